// What commands print: tables for people, JSON for programs, errors for both.
#pragma once

#include <ostream>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/exit_codes.h"
#include "google/protobuf/message.h"
#include "google/protobuf/repeated_field.h"

namespace hotplugger::client {

enum class OutputFormat { kTable, kJson };

// Rows of cells below headings, in aligned columns. All are made printable; empty cells show as
// "-".
class Table {
 public:
  explicit Table(std::vector<std::string> headings);

  // Numbers are easier compared so; `columns` are places in the headings.
  void AlignRight(std::set<size_t> columns) { right_ = std::move(columns); }

  // REQUIRES: as many cells as headings.
  void AddRow(std::vector<std::string> cells);

  // Each line begins with `indent` spaces.
  void Print(std::ostream& out, size_t indent = 0) const;

 private:
  std::vector<std::vector<std::string>> rows_;
  std::set<size_t> right_;
};

// `message` as protobuf's JSON in lines, absent scalars included. INTERNAL where it has none.
absl::StatusOr<std::string> ToJson(const google::protobuf::Message& message);

// The same in one line, for streams of messages.
absl::StatusOr<std::string> ToJsonLine(const google::protobuf::Message& message);

// Prints one message as a JSON document.
absl::Status PrintJson(const google::protobuf::Message& message, std::ostream& out);

// `hotplugctl: MESSAGE`, then the violations, one a line, and the reason.
void PrintError(const absl::Status& status, std::ostream& err);

// `warning: TEXT` for each.
void PrintWarnings(const google::protobuf::RepeatedPtrField<std::string>& warnings,
                   std::ostream& err);

// What hotplugctl exits with for an error.
ExitCode ExitCodeFor(const absl::Status& status);

// "12s", "5m", "3h", "2d": the largest unit alone; "0s" for what is not over yet.
std::string FormatAge(absl::Duration age);

}  // namespace hotplugger::client
