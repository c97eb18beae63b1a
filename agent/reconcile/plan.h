// What must be done to bring the host to its spec: pure functions of a snapshot.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agent/devices/inventory/snapshot.h"
#include "agent/devices/rules/device_change.h"
#include "hotplugger/v1/agent_state.pb.h"
#include "hotplugger/v1/node.pb.h"

namespace hotplugger::agent {

// What one device is to be, and why.
struct WantedDevice {
  enum class Why { kSpec, kRelease, kHotAdd };
  DeviceChange change;
  Why why = Why::kSpec;
  // The field of NodeSpec that says so, e.g. "cpu_offline"; of a CPU whose core is held the hold's
  // subject, "core/0-0-3"; "baseline" for a release.
  std::string setting;
};

// By the device's name; only devices that the spec or the baseline has a say in. Holds of a device
// win over those of a core, these over lists, lists over counts, all of the spec over a release, a
// release over hot-add. Lists of `spec`
// that don't parse count as empty; CheckSpec has refused them. Amounts of memory have no say here,
// see PlanMemoryAmount.
using WantedDevices = std::map<std::string, WantedDevice>;
WantedDevices WantedOf(const v1::NodeSpec& spec, const v1::Baseline& baseline,
                       const Snapshot& snapshot);

// What SMT must be set to, or nothing: the spec's word, or, where it has none any more, what stood
// before.
std::optional<SmtChange> PlanSmtChange(const v1::NodeSpec& spec, const v1::Baseline& baseline,
                                       const v1::SmtStatus& smt);

// CPUs that must be offline after SMT has been turned on.
CpuSet HeldOffline(const WantedDevices& wanted);

// Those of `wanted` that are not so, in order: first what brings capacity back, then what takes it,
// CPUs in the order of victims.h, so that a limit is met as late as can be. A device that is to be
// offline and isn't there needs no change; neither does the release of a CPU or block that has
// gone, nor that of a secondary thread while SMT is off.
std::vector<WantedDevice> PlanDevices(const WantedDevices& wanted, const Snapshot& snapshot);

// The next blocks to take offline so that `spec`'s amount of memory is, or to bring back because
// more of ours is offline than that. `tried`: blocks that this pass has tried, whatever came of it.
// Blocks that are in `wanted` are not chosen.
std::vector<WantedDevice> PlanMemoryAmount(const v1::NodeSpec& spec, const v1::Baseline& baseline,
                                           const WantedDevices& wanted,
                                           const MemorySnapshot& memory, const NumberSet& tried);

// The state of a device, or nothing where it isn't there.
std::optional<v1::DeviceState> StateOf(const DeviceName& device, const Snapshot& snapshot);

// `baseline` with SMT as it is, every secondary thread, and every CPU that is off: what SMT takes
// it doesn't give back where a whole core is off (kernel 2.3), and what was off before stays off.
v1::Baseline RecordSmt(v1::Baseline baseline, const CpuSnapshot& cpus);

// `baseline` with the state of every device that will be touched, where it isn't recorded yet. What
// a hot-add brings up is left out: its release would take capacity.
v1::Baseline RecordDevices(v1::Baseline baseline, const std::vector<WantedDevice>& changes,
                           const Snapshot& snapshot);

// `baseline` with what is online now as seen, but for memory that came up in another zone than
// `spec` wants hot-added memory in: it is not done with.
v1::Baseline RecordSeenOnline(const v1::NodeSpec& spec, v1::Baseline baseline,
                              const Snapshot& snapshot);

// `baseline` without what is as it was then, or is no longer there: nothing is left to put back,
// and the next touch records anew. Not so `in_doubt` ("cpu3", "smt", "driver/alucard"): an act on
// these has failed, and may yet have its effect.
v1::Baseline ForgetRestored(v1::Baseline baseline, const Snapshot& snapshot,
                            const std::vector<v1::Driver>& drivers,
                            const std::set<std::string>& in_doubt);

// Whether the spec says anything about which drivers run.
bool WantsDrivers(const v1::NodeSpec& spec);

// Drivers to be put back to their baseline, with the wanted state: those recorded, unless the spec
// still says which drivers are active, or that this one is stopped.
std::map<std::string, bool> DriversToRelease(const v1::NodeSpec& spec,
                                             const v1::Baseline& baseline);

}  // namespace hotplugger::agent
