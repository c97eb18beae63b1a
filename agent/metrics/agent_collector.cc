#include "agent/metrics/agent_collector.h"

#include <algorithm>
#include <map>
#include <memory>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/cpu_list.h"
#include "common/duration_histogram.h"
#include "common/metrics/family_builder.h"
#include "common/number_list.h"
#include "hotplugger/v1/node.pb.h"

namespace hotplugger::agent {
namespace {

using prometheus::MetricFamily;
using prometheus::MetricType;
using Families = std::vector<MetricFamily>;

// By labels' values: two that are mended can become one.
using Sums = std::map<std::vector<std::string>, double>;

void AddSums(std::string name, std::string help, MetricType type,
             const std::vector<std::string>& labels, const Sums& sums, Families* families) {
  if (sums.empty()) return;
  FamilyBuilder family(std::move(name), std::move(help), type);
  family.Reserve(sums.size());
  for (const auto& [values, sum] : sums) {
    MetricLabels series;
    for (size_t i = 0; i < labels.size(); ++i) series.push_back({labels[i], values[i]});
    family.Add(sum, std::move(series));
  }
  families->push_back(family.Take());
}

void AddStates(std::string name, std::string help, double online, double offline,
               Families* families) {
  AddSums(std::move(name), std::move(help), MetricType::Gauge, {"state"},
          {{{"online"}, online}, {{"offline"}, offline}}, families);
}

// What doesn't parse was made by no host.
NumberSet Numbers(const std::string& list, const NumberListRules& rules) {
  return ParseNumberList(list, rules).value_or(NumberSet());
}

void AddCpus(const v1::Inventory& inventory, Families* families) {
  const NumberSet present = Numbers(inventory.cpus_present(), kCpuListRules);
  const NumberSet online = Numbers(inventory.cpus_online(), kCpuListRules);
  const auto count = static_cast<double>(online.size());
  AddStates("hotplugger_agent_cpus", "CPUs of the host.", count,
            static_cast<double>(present.size()) - count, families);
  FamilyBuilder each("hotplugger_agent_cpu_online", "Whether the CPU is online.",
                     MetricType::Gauge);
  size_t told = 0;
  for (const int cpu : present) {
    if (told++ == AgentCollector::kMaxCpus) break;
    each.Add(online.count(cpu) > 0 ? 1 : 0, {{"cpu", absl::StrCat(cpu)}});
  }
  if (told > 0) families->push_back(each.Take());
}

void AddMemory(const v1::MemoryInventory& memory, Families* families) {
  const NumberSet present = Numbers(memory.blocks_present(), kMemoryBlockListRules);
  const NumberSet online = Numbers(memory.blocks_online(), kMemoryBlockListRules);
  const auto block = static_cast<double>(memory.block_size_bytes());
  const double bytes = static_cast<double>(online.size()) * block;
  AddStates("hotplugger_agent_memory_bytes", "Hotpluggable memory of the host.", bytes,
            static_cast<double>(present.size()) * block - bytes, families);
}

void AddInventory(const v1::Inventory& inventory, Families* families) {
  Sums conditions;
  for (const v1::NodeCondition& condition : inventory.conditions()) {
    conditions[{MetricLabelValue(condition.type())}] = 1;
  }
  AddSums("hotplugger_agent_condition", "1 for each condition of the host.", MetricType::Gauge,
          {"condition"}, conditions, families);
  AddCpus(inventory, families);
  if (inventory.has_memory()) AddMemory(inventory.memory(), families);
  Sums drivers;
  for (const v1::Driver& driver : inventory.drivers()) {
    if (driver.state() == v1::DRIVER_STATE_UNKNOWN) continue;
    double& running = drivers[{MetricLabelValue(driver.name())}];
    if (driver.state() == v1::DRIVER_STATE_RUNNING) running = 1;
  }
  AddSums("hotplugger_agent_driver_running", "Whether the hotplug driver runs.", MetricType::Gauge,
          {"driver"}, drivers, families);
}

void AddSpec(const ObservedLink& news, Families* families) {
  const auto report = news.report();
  const bool turned_down = news.turned_down();
  if (report != nullptr || turned_down) {
    const bool applied = report != nullptr && report->state() == v1::APPLY_STATE_APPLIED;
    families->push_back(SingleGauge("hotplugger_agent_in_sync",
                                    "Whether the last spec that came is in force and applied.",
                                    applied && !turned_down ? 1 : 0));
  }
  if (report == nullptr) return;
  families->push_back(SingleGauge("hotplugger_agent_drift_items",
                                  "Devices and drivers that are unlike the spec and left so.",
                                  report->drift_size()));
}

std::string OutcomeName(v1::Outcome outcome) {
  return absl::AsciiStrToLower(absl::StripPrefix(v1::Outcome_Name(outcome), "OUTCOME_"));
}

void AddOperations(const v1::MetricsSnapshot& counted, Families* families) {
  Sums operations;
  for (const v1::OperationCount& count : counted.operations()) {
    operations[{count.kind(), count.action(), OutcomeName(count.outcome()),
                MetricLabelValue(count.reason())}] += static_cast<double>(count.count());
  }
  AddSums("hotplugger_agent_operations_total", "Operations on devices and drivers.",
          MetricType::Counter, {"kind", "action", "outcome", "reason"}, operations, families);
  FamilyBuilder durations("hotplugger_agent_operation_duration_seconds",
                          "How long the kernel or a driver took for an operation.",
                          MetricType::Histogram);
  for (const v1::OperationDurations& told : counted.operation_durations()) {
    durations.Add(DurationCounts{kOperationDurationBounds,
                                 {told.bucket_counts().begin(), told.bucket_counts().end()},
                                 told.sum_seconds()},
                  {{"kind", told.kind()}, {"action", told.action()}});
  }
  if (counted.operation_durations_size() > 0) families->push_back(durations.Take());
}

void AddRefusalsAndDrift(const v1::MetricsSnapshot& counted, Families* families) {
  Sums refusals;
  for (const v1::LimitRefusals& told : counted.limit_refusals()) {
    refusals[{MetricLabelValue(told.limit())}] += static_cast<double>(told.count());
  }
  AddSums("hotplugger_agent_limit_refusals_total", "Operations that a limit of the host refused.",
          MetricType::Counter, {"limit"}, refusals, families);
  Sums drift;
  for (const v1::DriftCount& told : counted.drift()) {
    drift[{MetricLabelValue(told.actor())}] += static_cast<double>(told.count());
  }
  AddSums("hotplugger_agent_drift_total", "How often what the spec says was found changed.",
          MetricType::Counter, {"actor"}, drift, families);
}

void AddQueues(const v1::MetricsSnapshot& counted, Families* families) {
  Sums lengths;
  Sums capacities;
  Sums refusals;
  for (const v1::QueueUse& queue : counted.queues()) {
    lengths[{queue.queue()}] = static_cast<double>(queue.length());
    capacities[{queue.queue()}] = static_cast<double>(queue.capacity());
    refusals[{queue.queue()}] = static_cast<double>(queue.refusals());
  }
  AddSums("hotplugger_agent_queue_length", "Tasks that wait.", MetricType::Gauge, {"queue"},
          lengths, families);
  AddSums("hotplugger_agent_queue_capacity", "Tasks that may wait.", MetricType::Gauge, {"queue"},
          capacities, families);
  AddSums("hotplugger_agent_queue_refusals_total",
          "Tasks that were not taken because the queue was full.", MetricType::Counter, {"queue"},
          refusals, families);
}

}  // namespace

std::vector<MetricFamily> AgentCollector::Collect() const {
  Families families;
  families.push_back(SingleGauge(
      "hotplugger_agent_info", "Always 1.", 1,
      {{"version", parts_.version}, {"kernel_release", MetricLabelValue(parts_.kernel_release)}}));
  families.push_back(SingleGauge("hotplugger_agent_connected",
                                 "Whether the agent has a stream to a controller that it obeys.",
                                 parts_.connected() ? 1 : 0));
  AddSpec(parts_.news, &families);
  if (const auto inventory = parts_.news.inventory()) AddInventory(*inventory, &families);
  const v1::MetricsSnapshot counted = parts_.counted();
  AddOperations(counted, &families);
  AddRefusalsAndDrift(counted, &families);
  AddQueues(counted, &families);
  families.push_back(SingleCounter("hotplugger_agent_uevents_received_total",
                                   "Events of devices from the kernel.",
                                   static_cast<double>(counted.uevents_received())));
  families.push_back(SingleCounter("hotplugger_agent_uevent_overflows_total",
                                   "How often events were lost because the buffer was full.",
                                   static_cast<double>(counted.uevent_overflows())));
  return families;
}

}  // namespace hotplugger::agent
