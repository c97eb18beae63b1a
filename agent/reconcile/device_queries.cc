#include "agent/reconcile/device_queries.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "agent/reconcile/explanation.h"
#include "common/cpu_list.h"
#include "common/error_info.h"
#include "common/status_macros.h"

namespace hotplugger::agent {
namespace {

absl::Status CheckKinds(const google::protobuf::RepeatedField<int>& kinds) {
  std::vector<FieldViolation> violations;
  for (int i = 0; i < kinds.size(); ++i) {
    const bool known = v1::DeviceKind_IsValid(kinds[i]) && kinds[i] != v1::DEVICE_KIND_UNSPECIFIED;
    if (known) continue;
    violations.push_back({absl::StrCat("kinds[", i, "]"),
                          absl::StrCat(kinds[i], " is none of CPU, MEMORY, SMT and GENERIC")});
  }
  return MakeFieldErrors(violations);
}

// CPUs whose place the kernel has not told since the agent first looked.
CpuSet CpusWithoutPlace(const CpuSnapshot& cpus) {
  CpuSet unknown;
  for (const int cpu : cpus.masks.present) {
    if (cpus.topology.Find(cpu) == nullptr) unknown.insert(cpu);
  }
  return unknown;
}

}  // namespace

absl::StatusOr<v1::ListDevicesResponse> DeviceQueries::ListDevices(
    const v1::ListDevicesRequest& request) {
  RETURN_IF_ERROR(CheckKinds(request.kinds()));
  ASSIGN_OR_RETURN(const Snapshot snapshot, reader_.ReadAll());
  v1::ListDevicesResponse response;
  const auto wanted = [&request](v1::DeviceKind kind) {
    return request.kinds().empty() ||
           std::find(request.kinds().begin(), request.kinds().end(), kind) != request.kinds().end();
  };
  for (v1::Device& device : ToDevices(snapshot)) {
    if (wanted(device.kind())) *response.add_devices() = std::move(device);
  }
  response.set_cpus_possible(FormatCpuList(snapshot.cpus.masks.possible));
  response.set_cpus_present(FormatCpuList(snapshot.cpus.masks.present));
  response.set_cpus_online(FormatCpuList(snapshot.cpus.masks.online));
  if (snapshot.memory) {
    response.set_memory_block_size_bytes(snapshot.memory->blocks.block_size_bytes);
  }
  for (const std::string& warning : snapshot.warnings) response.add_warnings(warning);
  const CpuSet unknown = CpusWithoutPlace(snapshot.cpus);
  if (!unknown.empty() && wanted(v1::DEVICE_KIND_CPU)) {
    response.add_warnings(
        absl::StrCat("the place of CPUs ", FormatCpuList(unknown),
                     " is not known: the kernel tells it of online CPUs alone, and these have not "
                     "been online since the agent first looked"));
  }
  return response;
}

absl::StatusOr<v1::Device> DeviceQueries::GetDevice(const v1::GetDeviceRequest& request) {
  ASSIGN_OR_RETURN(const DeviceName name, ParseDeviceName(request.device()));
  ASSIGN_OR_RETURN(const Snapshot snapshot, reader_.ReadFor(name.kind));
  return FindDevice(name, snapshot);
}

}  // namespace hotplugger::agent
