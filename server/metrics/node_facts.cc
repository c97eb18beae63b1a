#include "server/metrics/node_facts.h"

#include <algorithm>

#include "common/cpu_list.h"
#include "common/metrics/family_builder.h"
#include "common/number_ranges.h"

namespace hotplugger::server {
namespace {

double Count(const std::string& list, const NumberListRules& rules) {
  const auto numbers = NumberRanges::Parse(list, rules);
  return numbers.ok() ? static_cast<double>(numbers->size()) : 0;
}

Capacity CapacityOf(double present, double online) {
  return {online, std::max(0.0, present - online)};
}

std::optional<bool> SmtActiveOf(const v1::Inventory& inventory) {
  const v1::SmtControl control = inventory.smt().control();
  if (control == v1::SMT_CONTROL_UNSPECIFIED || control == v1::SMT_CONTROL_NOT_IMPLEMENTED) {
    return std::nullopt;
  }
  return inventory.smt().active();
}

// Of a name that is there twice the last one counts.
void ReadDrivers(const v1::Inventory& inventory, NodeFacts* facts) {
  auto& drivers = facts->drivers;
  drivers.reserve(static_cast<size_t>(inventory.drivers_size()));
  for (auto driver = inventory.drivers().rbegin(); driver != inventory.drivers().rend(); ++driver) {
    drivers.emplace_back(MetricLabelValue(driver->name()), driver->state());
  }
  std::stable_sort(drivers.begin(), drivers.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  drivers.erase(std::unique(drivers.begin(), drivers.end(),
                            [](const auto& a, const auto& b) { return a.first == b.first; }),
                drivers.end());
  if (drivers.size() > NodeFacts::kMaxDrivers) drivers.resize(NodeFacts::kMaxDrivers);
}

void ReadInventory(const v1::Inventory& inventory, NodeFacts* facts) {
  facts->cpus = CapacityOf(Count(inventory.cpus_present(), kCpuListRules),
                           Count(inventory.cpus_online(), kCpuListRules));
  if (inventory.has_memory()) {
    const v1::MemoryInventory& memory = inventory.memory();
    const auto block = static_cast<double>(memory.block_size_bytes());
    facts->memory_bytes = CapacityOf(block * Count(memory.blocks_present(), kMemoryBlockListRules),
                                     block * Count(memory.blocks_online(), kMemoryBlockListRules));
  }
  facts->smt_active = SmtActiveOf(inventory);
  ReadDrivers(inventory, facts);
}

}  // namespace

NodeFacts FactsOf(const NodeSnapshot& node) {
  NodeFacts facts;
  if (node.inventory != nullptr) ReadInventory(*node.inventory, &facts);
  if (node.report != nullptr) {
    facts.drift_items = node.report->drift_size();
    facts.failed_items = std::count_if(
        node.report->items().begin(), node.report->items().end(), [](const v1::ItemResult& item) {
          return item.outcome() == v1::OUTCOME_REFUSED || item.outcome() == v1::OUTCOME_FAILED;
        });
  }
  facts.conditions = ConditionTypesOf(node);
  return facts;
}

std::vector<std::string> ConditionTypesOf(const NodeSnapshot& node) {
  std::vector<std::string> types;
  for (const v1::NodeCondition& condition : node.conditions) {
    types.push_back(MetricLabelValue(condition.type()));
  }
  if (node.inventory != nullptr) {
    for (const v1::NodeCondition& condition : node.inventory->conditions()) {
      types.push_back(MetricLabelValue(condition.type()));
    }
  }
  std::sort(types.begin(), types.end());
  types.erase(std::unique(types.begin(), types.end()), types.end());
  return types;
}

}  // namespace hotplugger::server
