// Sums by a label's value, of few values whatever a fleet says.
#pragma once

#include <cstddef>
#include <iterator>
#include <map>
#include <set>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace hotplugger::server {

// What all values beyond the bound are summed up as.
inline constexpr char kOtherValues[] = "(other)";

// Of the values that keep their places, the first `max_values` others by name, and all the rest
// together: which ones these are depends on no order. `Sum` has +=. Not safe for concurrent use.
template <typename Sum>
class BoundedSums {
 public:
  explicit BoundedSums(size_t max_values, absl::Span<const absl::string_view> kept = {})
      : max_values_(max_values), kept_(kept.begin(), kept.end()) {}

  void Add(const std::string& value, const Sum& sum) { *Find(value) += sum; }

  // Each value that came, and its sum.
  template <typename Take>
  void ForEach(Take take) const {
    for (const auto& [value, sum] : kept_sums_) take(value, sum);
    for (const auto& [value, sum] : sums_) take(value, sum);
    if (has_others_) take(std::string(kOtherValues), others_);
  }

 private:
  Sum* Find(const std::string& value) {
    if (kept_.count(value) > 0) return &kept_sums_[value];
    const auto known = sums_.find(value);
    if (known != sums_.end()) return &known->second;
    if (value == kOtherValues) return Others();
    if (sums_.size() < max_values_) return &sums_[value];
    const auto last = std::prev(sums_.end());
    if (value > last->first) return Others();
    *Others() += last->second;
    sums_.erase(last);
    return &sums_[value];
  }
  Sum* Others() {
    has_others_ = true;
    return &others_;
  }

  // At least 1.
  const size_t max_values_;
  const std::set<std::string> kept_;
  std::map<std::string, Sum> kept_sums_;
  std::map<std::string, Sum> sums_;
  Sum others_{};
  bool has_others_ = false;
};

}  // namespace hotplugger::server
