#include "agent/reconcile/change_request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/error_info.h"
#include "tests/fakes/proto_text.h"

namespace hotplugger::agent {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> Fields(const absl::Status& status) {
  std::vector<std::string> fields;
  for (const FieldViolation& violation : ErrorFieldViolations(status)) {
    fields.push_back(violation.field);
  }
  return fields;
}

TEST(ReadChangeOptionsTest, AbsentMeansTheDefaults) {
  const auto options = ReadChangeOptions({});
  ASSERT_TRUE(options.ok());
  EXPECT_EQ(options->mode, v1::GROUP_MODE_BEST_EFFORT);
  EXPECT_EQ(options->deadline, OperationOptions::kDefaultDeadline);
}

TEST(ReadChangeOptionsTest, DeadlinesAreBounded) {
  const auto read = [](int64_t seconds, int nanos) {
    v1::ChangeOptions options;
    options.mutable_deadline()->set_seconds(seconds);
    options.mutable_deadline()->set_nanos(nanos);
    return ReadChangeOptions(options);
  };
  EXPECT_EQ(read(1, 0)->deadline, absl::Seconds(1));
  EXPECT_EQ(read(3600, 0)->deadline, absl::Hours(1));
  EXPECT_THAT(Fields(read(0, 999'999'999).status()), ElementsAre("options.deadline"));
  EXPECT_THAT(Fields(read(3600, 1).status()), ElementsAre("options.deadline"));
  EXPECT_THAT(Fields(read(-5, 0).status()), ElementsAre("options.deadline"));
  EXPECT_THAT(Fields(read(std::numeric_limits<int64_t>::max(), 0).status()),
              ElementsAre("options.deadline"));
}

TEST(ReadChangeOptionsTest, EveryProblemAtOnce) {
  v1::ChangeOptions options;
  options.set_group(static_cast<v1::GroupMode>(9));
  options.mutable_deadline();
  options.mutable_plan()->set_boot_id("b");
  EXPECT_THAT(Fields(ReadChangeOptions(options).status()),
              ElementsAre("options.group", "options.deadline", "options.plan"));
}

TEST(ReadSmtChangeTest, Table) {
  const std::vector<std::pair<std::string, std::vector<std::string>>> cases = {
      {"control: SMT_CONTROL_ON", {}},
      {"control: SMT_CONTROL_OFF", {}},
      {"control: SMT_CONTROL_FORCEOFF irreversible: true", {}},
      {"control: SMT_CONTROL_PARTIAL threads_per_core: 2", {}},
      {"", {"control"}},
      {"control: SMT_CONTROL_NOT_SUPPORTED", {"control"}},
      {"control: SMT_CONTROL_FORCEOFF", {"irreversible"}},
      {"control: SMT_CONTROL_OFF irreversible: true", {"irreversible"}},
      {"control: SMT_CONTROL_PARTIAL", {"threads_per_core"}},
      {"control: SMT_CONTROL_PARTIAL threads_per_core: 0", {"threads_per_core"}},
      {"control: SMT_CONTROL_ON threads_per_core: 2", {"threads_per_core"}},
      {"irreversible: true threads_per_core: 1", {"control", "irreversible", "threads_per_core"}},
  };
  for (const auto& [text, fields] : cases) {
    const auto request = testing::FromText<v1::SetSmtRequest>(text);
    EXPECT_EQ(Fields(ReadSmtChange(request).status()), fields) << text;
  }
}

}  // namespace
}  // namespace hotplugger::agent
