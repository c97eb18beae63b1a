// From all policies and holds to what one node is to be, with who wants what.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "hotplugger/v1/node.pb.h"
#include "hotplugger/v1/policy.pb.h"
#include "server/policy/policy_conflict.h"
#include "server/policy/selector.h"

namespace hotplugger::server {

// A spec's body has at most so many bytes (link.proto).
inline constexpr size_t kMaxSpecBytes = 256 * 1024;

// What a node is to be.
struct Resolution {
  // Canonical.
  v1::NodeSpec spec;
  // SerializeSpec(spec) and its digest.
  std::string body;
  std::string digest;
  // By setting and source.
  std::vector<v1::SettingSource> sources;
  std::vector<PolicyConflict> conflicts;
  // How soon the node must reach a controller again once it has applied this; no part of the
  // digest. Nothing: it need not.
  std::optional<absl::Duration> confirm_window;
};

// Merges setting by setting: the higher priority wins, of equal ones the first by name (and that
// they differ is a conflict); holds outrank all. Which CPUs are off is one setting, whichever of
// cpu.offline, cpu.online_count and cpu.online_percent says it; so is which memory is off, by
// blocks or by bytes. What can't go together (a driver both active and stopped, a switch that is
// off and drivers to change) is settled by the same ranks, so that a spec never contradicts itself.
// The order of the inputs makes no difference. REQUIRES: policies and holds are valid and
// normalized; of a node's holds no two have one subject.
Resolution Resolve(absl::string_view node, const Labels& labels,
                   const std::vector<const v1::Policy*>& policies,
                   const std::vector<const v1::Hold*>& holds);

// The canonical bytes of a spec, the same in every process.
std::string SerializeSpec(const v1::NodeSpec& spec);

// Why no agent would take the spec for its size, and what to do; "" where it would.
std::string FindSpecSizeProblem(const Resolution& resolution);

}  // namespace hotplugger::server
