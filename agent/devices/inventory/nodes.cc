#include "agent/devices/inventory/nodes.h"

#include <algorithm>
#include <optional>

#include "agent/devices/inventory/kernel_text.h"
#include "common/status_macros.h"

namespace hotplugger::agent {

absl::StatusOr<std::vector<int>> ListNodes(const FileTree& nodes) {
  std::vector<int> numbers;
  RETURN_IF_ERROR(nodes.Visit(".", [&](absl::string_view name, bool) {
    if (const std::optional<int> node = NumberAfter("node", name)) numbers.push_back(*node);
  }));
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

}  // namespace hotplugger::agent
