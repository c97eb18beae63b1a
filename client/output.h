// What commands print: tables for people, JSON and YAML for programs, errors for both.
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

enum class OutputFormat { kTable, kJson, kYaml };

// Rows of cells below headings, in aligned columns. All are made printable; empty cells show as
// "-".
class Table {
 public:
  explicit Table(std::vector<std::string> headings);

  // Numbers are easier compared so; `columns` are places in the headings.
  void AlignRight(std::set<size_t> columns) { right_ = std::move(columns); }

  // REQUIRES: as many cells as headings.
  void AddRow(std::vector<std::string> cells);

  bool has_rows() const { return rows_.size() > 1; }

  // Each line begins with `indent` spaces. Heads alone are a table too.
  void Print(std::ostream& out, size_t indent = 0) const;

 private:
  std::vector<std::vector<std::string>> rows_;
  std::set<size_t> right_;
};

// `message` as protobuf's JSON in lines, absent scalars included. INTERNAL where it has none.
absl::StatusOr<std::string> ToJson(const google::protobuf::Message& message);

// Prints valid JSON as `format`, which is not kTable.
void PrintJsonAs(OutputFormat format, const std::string& json, std::ostream& out);

// Prints one message as a document of `format`, which is not kTable.
absl::Status PrintDocument(const google::protobuf::Message& message, OutputFormat format,
                           std::ostream& out);

// The same for one of a stream, at once: a line of JSON, or a document of YAML after "---".
absl::Status PrintStreamed(const google::protobuf::Message& message, OutputFormat format,
                           std::ostream& out);

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
