// What the policies that match a node come to together, before its holds.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "hotplugger/v1/policy.pb.h"
#include "server/policy/policy_conflict.h"
#include "server/policy/selector.h"

namespace hotplugger::server {

// A setting's value and the policy that it comes from.
template <typename T>
struct Chosen {
  T value;
  const v1::Policy* source;
};

// Which CPUs are off: one setting, whichever of the three ways says it.
struct CpusOff {
  // A list in canonical form: kept as text, since it may be long and nodes many.
  std::string offline;
  std::optional<int> online_count;
  std::optional<int> online_percent;

  bool operator==(const CpusOff&) const = default;
};

// Which memory is off: one setting too, by blocks or by an amount (0: by blocks).
struct MemoryOff {
  // As CpusOff.offline.
  std::string blocks;
  uint64_t bytes = 0;

  bool operator==(const MemoryOff&) const = default;
};

// Absent: no policy says anything. Driver lists are not empty and don't contradict each other.
struct MergedPolicies {
  std::optional<Chosen<CpusOff>> cpus_off;
  std::optional<Chosen<v1::SmtControl>> smt;
  std::optional<Chosen<v1::HotAdd>> cpu_hot_add;
  std::optional<Chosen<MemoryOff>> memory_off;
  std::optional<Chosen<v1::HotAdd>> memory_hot_add;
  std::optional<Chosen<std::set<std::string>>> drivers_active;
  std::optional<Chosen<std::set<std::string>>> drivers_stopped;
  std::optional<Chosen<v1::Switch>> switching;
  std::map<std::string, Chosen<v1::Whitelist>> whitelists;
  // The shortest of all.
  std::optional<absl::Duration> confirm_window;
  std::vector<PolicyConflict> conflicts;
};

// See Resolve for the rules. The result points into `policies`.
MergedPolicies MergePolicies(absl::string_view node, const Labels& labels,
                             const std::vector<const v1::Policy*>& policies);

}  // namespace hotplugger::server
