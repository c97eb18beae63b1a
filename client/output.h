// What commands print: tables for people, JSON and YAML for programs, errors for both.
#pragma once

#include <map>
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

// What a cell means for whoever reads it; shown as a colour, where there are any.
enum class Tone { kPlain, kGood, kWarning, kBad };

// How a table is printed.
struct TableStyle {
  // Each line begins with so many spaces.
  size_t indent = 0;
  bool headings = true;
  bool colours = false;
};

// Rows of cells below headings, in aligned columns. All are made printable; empty cells show as
// "-".
class Table {
 public:
  explicit Table(std::vector<std::string> headings);

  // Numbers are easier compared so; `columns` are places in the headings.
  void AlignRight(std::set<size_t> columns) { right_ = std::move(columns); }

  // REQUIRES: as many cells as headings. `tones` are by places in the headings.
  void AddRow(std::vector<std::string> cells, std::map<size_t, Tone> tones = {});

  bool has_rows() const { return rows_.size() > 1; }

  // Heads alone are a table too.
  void Print(std::ostream& out, const TableStyle& style) const;
  void Print(std::ostream& out, size_t indent = 0) const { Print(out, TableStyle{indent}); }

  // For a table that grows: prints the rows that were added since the last time and forgets them,
  // the headings with the first ones. Columns never become narrower.
  void PrintNew(std::ostream& out, const TableStyle& style);

 private:
  struct Row {
    std::vector<std::string> cells;
    std::map<size_t, Tone> tones;
  };

  std::vector<size_t> Widths() const;
  std::string Line(const Row& row, const std::vector<size_t>& widths,
                   const TableStyle& style) const;

  // The headings first.
  std::vector<Row> rows_;
  std::set<size_t> right_;
  // Of what PrintNew has printed.
  std::vector<size_t> printed_widths_;
};

// `message` as protobuf's JSON in lines, absent scalars included. INTERNAL where it has none.
absl::StatusOr<std::string> ToJson(const google::protobuf::Message& message);

// The same in one line, without its end.
absl::StatusOr<std::string> ToJsonLine(const google::protobuf::Message& message);

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

// "in 45s", "in 5m10s", "in 1h59m", "in 3d4h": two units at the most; "now" for what is over.
std::string FormatUntil(absl::Duration left);

}  // namespace hotplugger::client
