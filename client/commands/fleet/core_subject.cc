#include "client/commands/fleet/core_subject.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "client/text.h"
#include "common/core_name.h"
#include "common/error_info.h"
#include "common/status_macros.h"

namespace hotplugger::client::fleet {
namespace {

absl::Status NoSuchCpu(const v1::Node& node, const std::string& cpu) {
  const std::string present = node.inventory().cpus_present();
  return MakeError(absl::StatusCode::kNotFound, "DEVICE_NOT_FOUND",
                   absl::StrCat("node ", node.name(), " has told of no ", Printable(cpu),
                                present.empty() ? "; has its agent ever connected?"
                                                : absl::StrCat("; its CPUs are ", present)));
}

// The place of the CPU's core, as the node has told it.
absl::StatusOr<CoreName> CoreOf(const v1::Node& node, const std::string& cpu) {
  const auto& devices = node.inventory().devices();
  const auto found = std::find_if(devices.begin(), devices.end(), [&cpu](const v1::Device& device) {
    return device.kind() == v1::DEVICE_KIND_CPU && device.name() == cpu;
  });
  if (found == devices.end()) return NoSuchCpu(node, cpu);
  if (!found->cpu().has_package() || !found->cpu().has_core()) {
    return MakeError(absl::StatusCode::kFailedPrecondition, "TOPOLOGY_UNKNOWN",
                     absl::StrCat("node ", node.name(), " doesn't tell which core ", cpu,
                                  " belongs to: its kernel doesn't say, or the CPU has not been "
                                  "online since the agent first looked; hold the CPU itself with "
                                  "`hotplugctl offline ",
                                  node.name(), " ", cpu, "`"));
  }
  // A kernel that tells no die has die 0 alone.
  return CoreName{found->cpu().package(), found->cpu().die(), found->cpu().core()};
}

// Other threads go with it: a person should see which.
void TellThreads(const v1::Node& node, const std::string& cpu, std::ostream& err) {
  for (const v1::Device& device : node.inventory().devices()) {
    if (device.name() != cpu || device.cpu().core_cpus().empty()) continue;
    err << "the core's CPUs now: " << Printable(device.cpu().core_cpus()) << '\n';
  }
}

}  // namespace

absl::StatusOr<std::string> CoreSubject(const std::string& node, const std::string& cpu,
                                        Session& session) {
  if (absl::StartsWith(cpu, "core/")) return cpu;
  v1::GetNodeRequest request;
  request.set_name(node);
  ASSIGN_OR_RETURN(const v1::GetNodeResponse response, session.fleet->GetNode(request));
  ASSIGN_OR_RETURN(const CoreName core, CoreOf(response.node(), cpu));
  TellThreads(response.node(), cpu, session.err);
  return absl::StrCat("core/", FormatCoreName(core));
}

}  // namespace hotplugger::client::fleet
