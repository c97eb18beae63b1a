// Prometheus's text format 0.0.4, read back.
#pragma once

#include <gtest/gtest.h>
#include <prometheus/metric_family.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/text.h"

namespace hotplugger::testing {

// One sample, its labels unescaped.
struct MetricSample {
  std::string name;
  std::map<std::string, std::string> labels;
  double value = 0;
};

// What is no sample fails the test.
class MetricsText {
 public:
  explicit MetricsText(absl::string_view text) {
    EXPECT_TRUE(text.empty() || text.back() == '\n') << "the last line has no end";
    EXPECT_TRUE(IsUtf8(text));
    for (const absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
      if (line.front() == '#') {
        AddComment(line);
      } else {
        AddSample(line);
      }
    }
  }

  const std::vector<MetricSample>& samples() const { return samples_; }

  // Families in order, with the labels of each series; of a histogram one series each.
  const std::vector<prometheus::MetricFamily>& families() const { return families_; }

  // What may not be in a scrape: series that are there twice, families that are not together or
  // have no help.
  const std::vector<std::string>& problems() const { return problems_; }

  // Of one sample, by all that stands before its value.
  double Value(const std::string& series) const {
    const auto found = values_.find(series);
    EXPECT_NE(found, values_.end()) << "there is no " << series;
    return found == values_.end() ? 0 : found->second;
  }
  bool Has(const std::string& series) const { return values_.count(series) > 0; }

 private:
  static bool IsUtf8(absl::string_view text) {
    while (!text.empty()) {
      const size_t length = Utf8SequenceLength(text);
      if (length == 0) return false;
      text.remove_prefix(length);
    }
    return true;
  }

  void AddComment(absl::string_view line) {
    const std::vector<std::string> words = absl::StrSplit(line, absl::MaxSplits(' ', 3));
    if (words.size() < 4) {
      problems_.push_back(absl::StrCat("no help, no type: ", line));
    } else if (words[1] == "HELP") {
      if (!names_.insert(words[2]).second) problems_.push_back(words[2] + " is there twice");
      families_.emplace_back();
      families_.back().name = words[2];
      families_.back().help = words[3];
    } else if (families_.empty() || families_.back().name != words[2]) {
      problems_.push_back(words[2] + " has no help");
    } else {
      families_.back().type = words[3] == "counter"     ? prometheus::MetricType::Counter
                              : words[3] == "gauge"     ? prometheus::MetricType::Gauge
                              : words[3] == "histogram" ? prometheus::MetricType::Histogram
                                                        : prometheus::MetricType::Untyped;
    }
  }

  void AddSample(absl::string_view line) {
    const size_t value_at = line.rfind(' ');
    const std::string series(line.substr(0, value_at));
    MetricSample sample;
    sample.name = series.substr(0, series.find('{'));
    if (sample.name.size() < series.size()) {
      sample.labels = ReadLabels(absl::string_view(series).substr(sample.name.size()), line);
    }
    EXPECT_TRUE(value_at != absl::string_view::npos &&
                absl::SimpleAtod(line.substr(value_at + 1), &sample.value))
        << line;
    if (!seen_.insert({sample.name, sample.labels}).second) {
      problems_.push_back(series + " is there twice");
    }
    values_[series] = sample.value;
    AddToFamily(sample);
    samples_.push_back(std::move(sample));
  }

  void AddToFamily(const MetricSample& sample) {
    absl::string_view rest = sample.name;
    if (families_.empty() || !absl::ConsumePrefix(&rest, families_.back().name)) {
      problems_.push_back(sample.name + " is in another family");
      return;
    }
    prometheus::MetricFamily& family = families_.back();
    if (family.type == prometheus::MetricType::Histogram ? rest != "_count" : !rest.empty()) return;
    prometheus::ClientMetric& metric = family.metric.emplace_back();
    for (const auto& [name, value] : sample.labels) metric.label.push_back({name, value});
    metric.gauge.value = metric.counter.value = sample.value;
  }

  // "{a="b",c="d"}".
  std::map<std::string, std::string> ReadLabels(absl::string_view text, absl::string_view line) {
    std::map<std::string, std::string> labels;
    EXPECT_TRUE(absl::ConsumePrefix(&text, "{") && absl::ConsumeSuffix(&text, "}")) << line;
    while (!text.empty()) {
      const size_t equals = text.find("=\"");
      if (equals == absl::string_view::npos) {
        ADD_FAILURE() << line;
        break;
      }
      const std::string name(text.substr(0, equals));
      text.remove_prefix(equals + 2);
      std::string value;
      while (!text.empty() && text.front() != '"') {
        const bool escaped = text.front() == '\\' && text.size() > 1;
        const char c = escaped ? text[1] : text[0];
        value += escaped && c == 'n' ? '\n' : c;
        text.remove_prefix(escaped ? 2 : 1);
      }
      if (!absl::ConsumePrefix(&text, "\"")) ADD_FAILURE() << line;
      absl::ConsumePrefix(&text, ",");
      if (!labels.emplace(name, value).second) problems_.push_back(name + " is there twice");
    }
    return labels;
  }

  std::vector<MetricSample> samples_;
  std::vector<prometheus::MetricFamily> families_;
  std::set<std::string> names_;
  std::set<std::pair<std::string, std::map<std::string, std::string>>> seen_;
  std::map<std::string, double> values_;
  std::vector<std::string> problems_;
};

}  // namespace hotplugger::testing
