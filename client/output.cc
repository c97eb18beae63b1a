#include "client/output.h"

#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "client/text.h"
#include "client/yaml_text.h"
#include "common/error_info.h"
#include "common/status_macros.h"

namespace hotplugger::client {
namespace {

constexpr size_t kColumnGap = 2;

constexpr absl::string_view kReset = "\x1b[0m";

// Terminals have had these three for decades, whatever their background.
std::string Coloured(const std::string& text, Tone tone) {
  switch (tone) {
    case Tone::kGood:
      return absl::StrCat("\x1b[32m", text, kReset);
    case Tone::kWarning:
      return absl::StrCat("\x1b[33m", text, kReset);
    case Tone::kBad:
      return absl::StrCat("\x1b[31m", text, kReset);
    default:
      return text;
  }
}

// Whether the message only repeats the violations, as MakeFieldErrors makes it.
bool OnlyViolations(const absl::Status& status, const std::vector<FieldViolation>& violations) {
  const std::string joined =
      absl::StrJoin(violations, "\n", [](std::string* out, const FieldViolation& violation) {
        absl::StrAppend(out, violation.field, ": ", violation.description);
      });
  return status.message() == joined;
}

// Lines after the first stand below it.
std::string Indented(absl::string_view text) {
  return absl::StrReplaceAll(PrintableLines(text), {{"\n", "\n  "}});
}

absl::StatusOr<std::string> ToJsonText(const google::protobuf::Message& message, bool lines) {
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = lines;
  // So that a program finds "connected": false rather than nothing.
  options.always_print_primitive_fields = true;
  std::string json;
  const auto status = google::protobuf::util::MessageToJsonString(message, &json, options);
  if (!status.ok()) {
    return MakeError(absl::StatusCode::kInternal, "NOT_JSON",
                     absl::StrCat("the answer can't be shown as JSON or YAML: ", status.ToString(),
                                  "; use -o table"));
  }
  return json;
}

}  // namespace

Table::Table(std::vector<std::string> headings) {
  for (std::string& heading : headings) heading = Printable(heading);
  rows_.push_back({std::move(headings), {}});
}

void Table::AddRow(std::vector<std::string> cells, std::map<size_t, Tone> tones) {
  for (std::string& cell : cells) cell = cell.empty() ? "-" : Printable(cell);
  cells.resize(rows_.front().cells.size());
  rows_.push_back({std::move(cells), std::move(tones)});
}

std::vector<size_t> Table::Widths() const {
  std::vector<size_t> widths = printed_widths_;
  widths.resize(rows_.front().cells.size());
  for (const Row& row : rows_) {
    for (size_t i = 0; i < row.cells.size(); ++i) {
      widths[i] = std::max(widths[i], DisplayWidth(row.cells[i]));
    }
  }
  return widths;
}

std::string Table::Line(const Row& row, const std::vector<size_t>& widths,
                        const TableStyle& style) const {
  std::string line(style.indent, ' ');
  for (size_t i = 0; i < row.cells.size(); ++i) {
    const size_t missing = widths[i] - DisplayWidth(row.cells[i]);
    const bool right = right_.count(i) > 0;
    if (right) line.append(missing, ' ');
    const auto tone = row.tones.find(i);
    // The colour's own bytes take no place, so it comes after all measuring.
    line += style.colours && tone != row.tones.end() ? Coloured(row.cells[i], tone->second)
                                                     : row.cells[i];
    // Nothing follows the last column: no spaces at the end of a line.
    if (i + 1 < row.cells.size()) line.append((right ? 0 : missing) + kColumnGap, ' ');
  }
  return line;
}

void Table::Print(std::ostream& out, const TableStyle& style) const {
  const std::vector<size_t> widths = Widths();
  for (size_t i = style.headings ? 0 : 1; i < rows_.size(); ++i) {
    out << Line(rows_[i], widths, style) << '\n';
  }
}

void Table::PrintNew(std::ostream& out, const TableStyle& style) {
  const bool first_time = printed_widths_.empty();
  printed_widths_ = Widths();
  for (size_t i = first_time && style.headings ? 0 : 1; i < rows_.size(); ++i) {
    out << Line(rows_[i], printed_widths_, style) << '\n';
  }
  rows_.resize(1);
}

absl::StatusOr<std::string> ToJson(const google::protobuf::Message& message) {
  return ToJsonText(message, /*lines=*/true);
}

absl::StatusOr<std::string> ToJsonLine(const google::protobuf::Message& message) {
  return ToJsonText(message, /*lines=*/false);
}

void PrintJsonAs(OutputFormat format, const std::string& json, std::ostream& out) {
  out << (format == OutputFormat::kYaml ? YamlFromJson(json) : json);
}

absl::Status PrintDocument(const google::protobuf::Message& message, OutputFormat format,
                           std::ostream& out) {
  ASSIGN_OR_RETURN(const std::string json, ToJson(message));
  PrintJsonAs(format, json, out);
  return absl::OkStatus();
}

absl::Status PrintStreamed(const google::protobuf::Message& message, OutputFormat format,
                           std::ostream& out) {
  ASSIGN_OR_RETURN(const std::string json, ToJsonLine(message));
  if (format == OutputFormat::kYaml) out << "---\n";
  PrintJsonAs(format, json, out);
  if (format == OutputFormat::kJson) out << '\n';
  // Whoever reads this waits for it.
  out.flush();
  return absl::OkStatus();
}

void PrintError(const absl::Status& status, std::ostream& err) {
  const std::vector<FieldViolation> violations = ErrorFieldViolations(status);
  if (violations.empty()) {
    const std::string message = status.message().empty() ? absl::StatusCodeToString(status.code())
                                                         : Indented(status.message());
    err << "hotplugctl: " << message << '\n';
  } else if (OnlyViolations(status, violations)) {
    err << "hotplugctl: " << violations.size()
        << (violations.size() == 1 ? " value is wrong\n" : " values are wrong\n");
  } else {
    err << "hotplugctl: " << Indented(status.message()) << '\n';
  }
  for (const FieldViolation& violation : violations) {
    err << "  " << Indented(violation.field) << ": " << Indented(violation.description) << '\n';
  }
  const std::string reason = ErrorReason(status);
  if (!reason.empty()) err << "  reason: " << Printable(reason) << '\n';
}

void PrintWarnings(const google::protobuf::RepeatedPtrField<std::string>& warnings,
                   std::ostream& err) {
  for (const std::string& warning : warnings) err << "warning: " << Indented(warning) << '\n';
}

ExitCode ExitCodeFor(const absl::Status& status) {
  const std::string reason = ErrorReason(status);
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return ExitCode::kOk;
    case absl::StatusCode::kInvalidArgument:
      return ExitCode::kUsage;
    case absl::StatusCode::kUnavailable:
      // A peer that answered "not now" was reached.
      return reason == "UNREACHABLE" || reason == "CONNECTION_LOST" ? ExitCode::kUnreachable
                                                                    : ExitCode::kFailure;
    case absl::StatusCode::kDeadlineExceeded:
      // Of a call that nobody answered the address is told; the same word of a node's has none.
      return reason == "NO_ANSWER" && !ErrorMetadataValue(status, "address").empty()
                 ? ExitCode::kUnreachable
                 : ExitCode::kFailure;
    default:
      return ExitCode::kFailure;
  }
}

std::string FormatAge(absl::Duration age) {
  const int64_t seconds = std::max<int64_t>(absl::ToInt64Seconds(age), 0);
  if (seconds < 120) return absl::StrCat(seconds, "s");
  if (seconds < 120 * 60) return absl::StrCat(seconds / 60, "m");
  if (seconds < 48 * 3600) return absl::StrCat(seconds / 3600, "h");
  return absl::StrCat(seconds / 86400, "d");
}

std::string FormatUntil(absl::Duration left) {
  // Up, so that what was set for 2h says so at first.
  const int64_t seconds = absl::ToInt64Seconds(absl::Ceil(left, absl::Seconds(1)));
  if (seconds <= 0) return "now";
  const int64_t minutes = seconds / 60;
  const int64_t hours = minutes / 60;
  if (minutes < 1) return absl::StrCat("in ", seconds, "s");
  if (hours < 1) return absl::StrCat("in ", minutes, "m", seconds % 60, "s");
  if (hours < 48) return absl::StrCat("in ", hours, "h", minutes % 60, "m");
  return absl::StrCat("in ", hours / 24, "d", hours % 24, "h");
}

}  // namespace hotplugger::client
