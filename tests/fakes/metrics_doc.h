// docs/metrics.md, the contract of all metrics, to be compared with what a program exports.
#pragma once

#include <prometheus/metric_family.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace hotplugger::testing {

struct DocumentedMetric {
  std::string name;
  // "counter", "gauge" or "histogram".
  std::string type;
  std::string unit;
  // By name: all values that there are; none where the page lists none, or one with a part in upper
  // case (`driver/NAME`). A name that ends in KEY (`label_KEY`) stands for any that begin so.
  std::map<std::string, std::set<std::string>> labels;
};

// Reads the page's tables with the columns Metric, Type, Unit, Labels, Meaning.
class MetricsDoc {
 public:
  explicit MetricsDoc(const std::string& text) {
    std::vector<std::string> headings;
    for (const absl::string_view line : absl::StrSplit(text, '\n')) {
      if (const size_t level = HeadingLevel(line); level > 0) {
        while (!headings.empty() && HeadingLevel(headings.back()) >= level) headings.pop_back();
        headings.emplace_back(line);
        for (const std::string& heading : headings) by_heading_[heading];
      }
      // Other tables don't begin with a name in backticks.
      if (absl::StartsWith(line, "| `")) AddRow(line, headings);
    }
    // Rows may refer to others below them.
    for (const auto& [name, cell] : label_cells_) ReadLabels(cell, &metrics_[name]);
  }

  static MetricsDoc OfThisProject() {
    std::stringstream text;
    text << std::ifstream(HOTPLUGGER_SOURCE_DIR "/docs/metrics.md").rdbuf();
    return MetricsDoc(text.str());
  }

  // The rows below a heading ("## Agent") and below its own smaller ones, in order.
  std::vector<DocumentedMetric> Under(const std::string& heading) const {
    std::vector<DocumentedMetric> rows;
    const auto found = by_heading_.find(heading);
    if (found == by_heading_.end()) return rows;
    for (const std::string& name : found->second) rows.push_back(metrics_.at(name));
    return rows;
  }

  // Rows that can't be read.
  const std::vector<std::string>& problems() const { return problems_; }

 private:
  // Of "### Fleet" 3, of any other line 0.
  static size_t HeadingLevel(absl::string_view line) {
    const size_t level = line.find_first_not_of('#');
    return level != absl::string_view::npos && line[level] == ' ' ? level : 0;
  }

  // What stands between backticks.
  static std::vector<std::string> Quoted(absl::string_view text) {
    const std::vector<std::string> parts = absl::StrSplit(text, '`');
    std::vector<std::string> quoted;
    for (size_t i = 1; i + 1 < parts.size(); i += 2) quoted.push_back(parts[i]);
    return quoted;
  }

  void AddRow(absl::string_view line, const std::vector<std::string>& headings) {
    std::vector<std::string> cells = absl::StrSplit(line, '|');
    for (std::string& cell : cells) cell = std::string(absl::StripAsciiWhitespace(cell));
    // What is before the first bar and behind the last counts too.
    if (cells.size() != 7 || Quoted(cells[1]).size() != 1) {
      problems_.push_back(absl::StrCat("not a name and four more cells: ", line));
      return;
    }
    const std::string name = Quoted(cells[1]).front();
    if (!metrics_.emplace(name, DocumentedMetric{name, cells[2], cells[3], {}}).second) {
      problems_.push_back(absl::StrCat(name, " is there twice"));
      return;
    }
    label_cells_[name] = cells[4];
    for (const std::string& heading : headings) by_heading_[heading].push_back(name);
  }

  // The metric that "as `NAME`" names, or null.
  const DocumentedMetric* Other(const DocumentedMetric& metric, absl::string_view text) {
    const auto found = metrics_.find(Quoted(text).front());
    if (found != metrics_.end()) return &found->second;
    problems_.push_back(absl::StrCat(metric.name, ": \"", text, "\" is no metric of the page"));
    return nullptr;
  }

  // "`a`, `b`: `x`, `y`; `c`", "`b`: as `METRIC`" (its values), "as `METRIC`" (its labels).
  void ReadLabels(const std::string& cell, DocumentedMetric* metric) {
    if (absl::StartsWith(cell, "as `")) {
      const DocumentedMetric* other = Other(*metric, cell);
      if (other == nullptr) return;
      return ReadLabels(label_cells_[other->name], metric);
    }
    for (const absl::string_view part : absl::StrSplit(cell, ';', absl::SkipWhitespace())) {
      const std::pair<std::string, std::string> halves =
          absl::StrSplit(part, absl::MaxSplits(": ", 1));
      std::string label;
      for (const absl::string_view piece : absl::StrSplit(halves.first, ',')) {
        // A part may go on with words: "`reason` ...".
        const std::vector<std::string> quoted = Quoted(piece);
        if (quoted.empty()) {
          problems_.push_back(absl::StrCat(metric->name, ": no label in \"", piece, "\""));
          return;
        }
        label = quoted.front();
        metric->labels[label];
      }
      metric->labels[label] = Values(*metric, label, halves.second);
    }
  }

  std::set<std::string> Values(const DocumentedMetric& metric, const std::string& label,
                               const std::string& text) {
    if (absl::StartsWith(text, "as `")) {
      const DocumentedMetric* other = Other(metric, text);
      if (other == nullptr) return {};
      DocumentedMetric same;
      ReadLabels(label_cells_[other->name], &same);
      return same.labels[label];
    }
    std::set<std::string> values;
    for (const std::string& value : Quoted(text)) {
      if (std::any_of(value.begin(), value.end(), absl::ascii_isupper)) return {};
      values.insert(value);
    }
    return values;
  }

  // By name.
  std::map<std::string, DocumentedMetric> metrics_;
  std::map<std::string, std::string> label_cells_;
  std::map<std::string, std::vector<std::string>> by_heading_;
  std::vector<std::string> problems_;
};

// What differs between rows of the page and what a program exports, a line each, sorted. A family
// must have a series at least, so that its labels can be compared: have the program tell all that
// it can.
class MetricsDocComparison {
 public:
  static std::set<std::string> Compare(const std::vector<DocumentedMetric>& documented,
                                       const std::vector<prometheus::MetricFamily>& exported) {
    MetricsDocComparison comparison;
    std::map<std::string, const DocumentedMetric*> rows;
    for (const DocumentedMetric& metric : documented) rows[metric.name] = &metric;
    std::set<std::string> seen;
    for (const prometheus::MetricFamily& family : exported) {
      if (!seen.insert(family.name).second) comparison.Add(family.name, "is exported twice");
      const auto row = rows.find(family.name);
      if (row == rows.end()) {
        comparison.Add(family.name, "is exported, but not on the page");
      } else {
        comparison.CompareFamily(*row->second, family);
      }
    }
    for (const auto& [name, row] : rows) {
      if (seen.count(name) == 0) comparison.Add(name, "is on the page, but not exported");
    }
    return comparison.differences_;
  }

 private:
  static std::string TypeName(prometheus::MetricType type) {
    switch (type) {
      case prometheus::MetricType::Counter:
        return "counter";
      case prometheus::MetricType::Gauge:
        return "gauge";
      case prometheus::MetricType::Histogram:
        return "histogram";
      default:
        return "of another type";
    }
  }

  static bool IsOpenName(const std::string& label) { return absl::EndsWith(label, "KEY"); }

  // The values of the documented label that `name` is, or null.
  static const std::set<std::string>* FindLabel(const DocumentedMetric& row,
                                                const std::string& name) {
    const auto found = row.labels.find(name);
    if (found != row.labels.end()) return &found->second;
    for (const auto& [label, values] : row.labels) {
      const bool open = IsOpenName(label);
      if (open && absl::StartsWith(name, absl::StripSuffix(label, "KEY"))) return &values;
    }
    return nullptr;
  }

  void CompareFamily(const DocumentedMetric& row, const prometheus::MetricFamily& family) {
    const std::string type = TypeName(family.type);
    if (type != row.type) Add(row.name, absl::StrCat("is ", type, ", on the page ", row.type));
    if (family.metric.empty()) Add(row.name, "has no series, so its labels are not compared");
    for (const prometheus::ClientMetric& series : family.metric) CompareSeries(row, series);
  }

  void CompareSeries(const DocumentedMetric& row, const prometheus::ClientMetric& series) {
    std::set<std::string> names;
    for (const auto& [name, value] : series.label) {
      names.insert(name);
      const std::set<std::string>* values = FindLabel(row, name);
      if (values == nullptr) {
        Add(row.name, absl::StrCat("has the label ", name, ", the page not"));
      } else if (!values->empty() && values->count(value) == 0) {
        Add(row.name, absl::StrCat("has ", name, "=\"", value, "\", which the page doesn't list"));
      }
    }
    for (const auto& [label, values] : row.labels) {
      if (names.count(label) == 0 && !IsOpenName(label)) {
        Add(row.name, absl::StrCat("has a series without the label ", label));
      }
    }
  }

  void Add(const std::string& metric, const std::string& difference) {
    differences_.insert(absl::StrCat(metric, " ", difference));
  }

  std::set<std::string> differences_;
};

}  // namespace hotplugger::testing
