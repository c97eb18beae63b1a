// Names of labels that are made from keys of node labels.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"

namespace hotplugger::server {

// `prefix` and the key; characters that Prometheus has no place for become '_'. Two keys can become
// one.
std::string MetricLabelName(absl::string_view prefix, absl::string_view key);

// The names of all keys, with their keys. Of two that become the same, the first by key counts.
std::vector<std::pair<std::string, std::string>> MetricLabelNames(absl::string_view prefix,
                                                                  std::vector<std::string> keys);

}  // namespace hotplugger::server
