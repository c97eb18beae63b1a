// What an agent has counted, so that a test can be read at a glance.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "agent/counters/agent_counters.h"

namespace hotplugger::testing {

// "cpu offline refused LIMIT_KERNEL_ZONE 2", by kind, action, outcome and reason.
inline std::vector<std::string> CountedOperations(const agent::AgentCounters& counters) {
  std::vector<std::string> lines;
  const v1::MetricsSnapshot snapshot = counters.Snapshot();
  for (const v1::OperationCount& count : snapshot.operations()) {
    const std::string outcome =
        absl::AsciiStrToLower(v1::Outcome_Name(count.outcome()).substr(sizeof "OUTCOME_" - 1));
    lines.push_back(absl::StrCat(count.kind(), " ", count.action(), " ", outcome,
                                 count.reason().empty() ? "" : " ", count.reason(), " ",
                                 count.count()));
  }
  return lines;
}

// "cpu offline 2": how often the kernel, or a driver, was asked.
inline std::vector<std::string> CountedDurations(const agent::AgentCounters& counters) {
  std::vector<std::string> lines;
  const v1::MetricsSnapshot snapshot = counters.Snapshot();
  for (const v1::OperationDurations& durations : snapshot.operation_durations()) {
    int64_t count = 0;
    for (const int64_t bucket : durations.bucket_counts()) count += bucket;
    lines.push_back(absl::StrCat(durations.kind(), " ", durations.action(), " ", count));
  }
  return lines;
}

// "person 2".
inline std::vector<std::string> CountedDrift(const agent::AgentCounters& counters) {
  std::vector<std::string> lines;
  const v1::MetricsSnapshot snapshot = counters.Snapshot();
  for (const v1::DriftCount& drift : snapshot.drift()) {
    lines.push_back(absl::StrCat(drift.actor(), " ", drift.count()));
  }
  return lines;
}

}  // namespace hotplugger::testing
