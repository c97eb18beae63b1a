#include "agent/reconcile/drift.h"

#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "agent/reconcile/parked_cpus.h"

namespace hotplugger::agent {
namespace {

// The journal tells that it was a driver, and the state file which one had the CPU, or runs.
std::string NameDriver(int cpu, const v1::AgentState& state) {
  for (const auto& [driver, cpus] : ParkedCpus(state)) {
    if (cpus.count(cpu) > 0) return absl::StrCat("driver/", driver);
  }
  std::string running;
  for (const auto& [driver, record] : state.builtin_drivers()) {
    if (!record.running()) continue;
    if (!running.empty()) return "";
    running = driver;
  }
  return running.empty() ? "" : absl::StrCat("driver/", running);
}

// Whether the last operation left the device unlike `wanted_online`: what is found is its doing.
std::optional<OperationOrigin> OriginOf(absl::string_view device, bool wanted_online,
                                        const Journal& journal) {
  const std::optional<LastChange> last = journal.LastChangeOf(device);
  if (!last) return std::nullopt;
  const bool online = last->state == v1::DEVICE_STATE_ONLINE;
  if (online == wanted_online) return std::nullopt;
  return last->origin;
}

}  // namespace

v1::DriftItem MakeDrift(absl::string_view subject, absl::string_view wanted,
                        absl::string_view found, std::string actor) {
  v1::DriftItem item;
  item.set_subject(std::string(subject));
  item.set_wanted(std::string(wanted));
  item.set_found(std::string(found));
  item.set_actor(std::move(actor));
  return item;
}

std::string SmtWord(v1::SmtControl control) {
  return absl::AsciiStrToLower(v1::SmtControl_Name(control).substr(sizeof "SMT_CONTROL_" - 1));
}

std::string FindActor(const DeviceChange& wanted, const Journal& journal,
                      const v1::AgentState& state) {
  const std::string name = FormatDeviceName(wanted.device);
  const std::optional<OperationOrigin> origin = OriginOf(name, wanted.online, journal);
  if (origin == OperationOrigin::kPerson) return "person";
  if (wanted.device.kind != v1::DEVICE_KIND_CPU) return "";
  if (origin == OperationOrigin::kDriver) return NameDriver(wanted.device.number, state);
  return FindSmtActor(wanted.online, journal);
}

std::string FindSmtActor(bool on, const Journal& journal) {
  return OriginOf("smt", on, journal) == OperationOrigin::kPerson ? "person" : "";
}

}  // namespace hotplugger::agent
