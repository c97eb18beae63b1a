#include "client/output.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "common/error_info.h"
#include "hotplugger/v1/device.pb.h"

namespace hotplugger::client {
namespace {

std::string ErrorText(const absl::Status& status) {
  std::ostringstream err;
  PrintError(status, err);
  return err.str();
}

TEST(TableTest, AlignsColumnsAndShowsEmptyCells) {
  Table table({"NAME", "STATE", "NOTE"});
  table.AddRow({"cpu0", "online", ""});
  table.AddRow({"größe-1024", "", "x"});
  std::ostringstream out;
  table.Print(out, 2);
  EXPECT_EQ(out.str(),
            "  NAME        STATE   NOTE\n"
            "  cpu0        online  -\n"
            "  größe-1024  -       x\n");
}

TEST(TableTest, KnowsWhetherItHasRows) {
  Table table({"NAME"});
  EXPECT_FALSE(table.has_rows());
  table.AddRow({"a"});
  EXPECT_TRUE(table.has_rows());
}

TEST(TableTest, AlignsNumbersToTheRight) {
  Table table({"CPU", "NAME", "SIZE"});
  table.AlignRight({0, 2});
  table.AddRow({"1", "a", "128Mi"});
  table.AddRow({"1024", "long", ""});
  std::ostringstream out;
  table.Print(out);
  EXPECT_EQ(out.str(),
            " CPU  NAME   SIZE\n"
            "   1  a     128Mi\n"
            "1024  long      -\n");
}

TEST(TableTest, CellsCantBreakTheTable) {
  Table table({"NAME"});
  table.AddRow({"a\nb\x1b[2J"});
  std::ostringstream out;
  table.Print(out);
  EXPECT_EQ(out.str(), "NAME\na\\nb\\x1b[2J\n");
}

TEST(TableTest, ColoursTakeNoPlace) {
  Table table({"NAME", "STATE", "NOTE"});
  table.AddRow({"a", "good", "x"}, {{1, Tone::kGood}});
  table.AddRow({"b", "worse", "y"}, {{1, Tone::kBad}, {2, Tone::kWarning}});
  std::ostringstream coloured;
  table.Print(coloured, TableStyle{0, false, true});
  EXPECT_EQ(coloured.str(),
            "a     \x1b[32mgood\x1b[0m   x\n"
            "b     \x1b[31mworse\x1b[0m  \x1b[33my\x1b[0m\n");
  std::ostringstream plain;
  table.Print(plain, TableStyle{0, false, false});
  EXPECT_EQ(plain.str(), "a     good   x\nb     worse  y\n");
}

TEST(TableTest, AGrowingTableKeepsItsColumns) {
  Table table({"NAME", "STATE"});
  std::ostringstream out;
  table.AddRow({"longest", "on"});
  table.PrintNew(out, {});
  table.AddRow({"a", "off"});
  table.PrintNew(out, {});
  EXPECT_FALSE(table.has_rows());
  EXPECT_EQ(out.str(), "NAME     STATE\nlongest  on\na        off\n");
}

TEST(JsonTest, PrintsAbsentScalarsAndJsonNames) {
  v1::ItemResult item;
  item.set_subject("cpu3");
  item.set_outcome(v1::OUTCOME_CHANGED);
  std::ostringstream out;
  ASSERT_TRUE(PrintDocument(item, OutputFormat::kJson, out).ok());
  EXPECT_EQ(
      out.str(),
      "{\n \"subject\": \"cpu3\",\n \"outcome\": \"OUTCOME_CHANGED\",\n \"reason\": \"\",\n"
      " \"message\": \"\",\n \"errorNumber\": 0,\n \"retry\": \"RETRY_CLASS_UNSPECIFIED\"\n}\n");
}

TEST(JsonTest, OneOfAStreamIsALine) {
  v1::ItemResult item;
  item.set_message("two\nlines");
  std::ostringstream out;
  ASSERT_TRUE(PrintStreamed(item, OutputFormat::kJson, out).ok());
  EXPECT_EQ(out.str().find('\n'), out.str().size() - 1);
  EXPECT_EQ(out.str().substr(0, 14), "{\"subject\":\"\",");
}

TEST(YamlTest, HasWhatJsonHas) {
  v1::ItemResult item;
  item.set_subject("cpu3");
  item.set_message("two\nlines");
  const std::string expected =
      "subject: cpu3\noutcome: OUTCOME_UNSPECIFIED\nreason: \"\"\nmessage: \"two\\nlines\"\n"
      "errorNumber: 0\nretry: RETRY_CLASS_UNSPECIFIED\n";
  std::ostringstream document;
  ASSERT_TRUE(PrintDocument(item, OutputFormat::kYaml, document).ok());
  EXPECT_EQ(document.str(), expected);
  std::ostringstream streamed;
  ASSERT_TRUE(PrintStreamed(item, OutputFormat::kYaml, streamed).ok());
  EXPECT_EQ(streamed.str(), "---\n" + expected);
}

TEST(PrintErrorTest, MessageAndReason) {
  EXPECT_EQ(ErrorText(MakeError(absl::StatusCode::kNotFound, "NO_NODE", "no node a\nadd it")),
            "hotplugctl: no node a\n  add it\n  reason: NO_NODE\n");
  EXPECT_EQ(ErrorText(absl::InternalError("")), "hotplugctl: INTERNAL\n");
}

TEST(PrintErrorTest, ViolationsStandOnceEach) {
  EXPECT_EQ(ErrorText(MakeFieldErrors({{"a", "is wrong"}, {"b", "too\x1b"}})),
            "hotplugctl: 2 values are wrong\n  a: is wrong\n  b: too\\x1b\n"
            "  reason: INVALID_FIELD\n");
}

TEST(ExitCodeTest, TellsUsageAndUnreachableApart) {
  EXPECT_EQ(ExitCodeFor(absl::OkStatus()), ExitCode::kOk);
  EXPECT_EQ(ExitCodeFor(absl::InvalidArgumentError("")), ExitCode::kUsage);
  EXPECT_EQ(ExitCodeFor(MakeError(absl::StatusCode::kUnavailable, "UNREACHABLE", "")),
            ExitCode::kUnreachable);
  EXPECT_EQ(ExitCodeFor(MakeError(absl::StatusCode::kUnavailable, "CONNECTION_LOST", "")),
            ExitCode::kUnreachable);
  EXPECT_EQ(ExitCodeFor(MakeError(absl::StatusCode::kUnavailable, "QUEUE_BLOCKED", "")),
            ExitCode::kFailure);
  EXPECT_EQ(ExitCodeFor(absl::NotFoundError("")), ExitCode::kFailure);
}

TEST(FormatAgeTest, LargestUnitAlone) {
  EXPECT_EQ(FormatAge(absl::Seconds(-5)), "0s");
  EXPECT_EQ(FormatAge(absl::Seconds(119)), "119s");
  EXPECT_EQ(FormatAge(absl::Minutes(5)), "5m");
  EXPECT_EQ(FormatAge(absl::Hours(3)), "3h");
  EXPECT_EQ(FormatAge(absl::Hours(72)), "3d");
}

TEST(FormatUntilTest, TwoUnitsAtTheMost) {
  EXPECT_EQ(FormatUntil(absl::Seconds(-5)), "now");
  EXPECT_EQ(FormatUntil(absl::Seconds(45)), "in 45s");
  EXPECT_EQ(FormatUntil(absl::Seconds(310)), "in 5m10s");
  EXPECT_EQ(FormatUntil(absl::Minutes(119)), "in 1h59m");
  EXPECT_EQ(FormatUntil(absl::Hours(76)), "in 3d4h");
}

}  // namespace
}  // namespace hotplugger::client
