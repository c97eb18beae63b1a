#include "server/metrics/label_name.h"

#include <algorithm>
#include <set>

#include "absl/strings/ascii.h"

namespace hotplugger::server {

std::string MetricLabelName(absl::string_view prefix, absl::string_view key) {
  std::string name(prefix);
  for (const char c : key) {
    name += absl::ascii_isalnum(static_cast<unsigned char>(c)) ? c : '_';
  }
  return name;
}

std::vector<std::pair<std::string, std::string>> MetricLabelNames(absl::string_view prefix,
                                                                  std::vector<std::string> keys) {
  std::sort(keys.begin(), keys.end());
  std::set<std::string> taken;
  std::vector<std::pair<std::string, std::string>> names;
  for (std::string& key : keys) {
    std::string name = MetricLabelName(prefix, key);
    if (taken.insert(name).second) names.emplace_back(std::move(name), std::move(key));
  }
  return names;
}

}  // namespace hotplugger::server
