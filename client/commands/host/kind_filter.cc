#include "client/commands/host/kind_filter.h"

#include <set>

#include "absl/strings/str_cat.h"
#include "client/flag_values.h"
#include "client/text.h"
#include "common/status_macros.h"

namespace hotplugger::client::host {
namespace {

// UNSPECIFIED where it is none.
v1::DeviceKind FindKind(const std::string& name) {
  for (const v1::DeviceKind kind : {v1::DEVICE_KIND_CPU, v1::DEVICE_KIND_MEMORY,
                                    v1::DEVICE_KIND_SMT, v1::DEVICE_KIND_GENERIC}) {
    if (name == ShortEnumName(*v1::DeviceKind_descriptor(), kind)) return kind;
  }
  return v1::DEVICE_KIND_UNSPECIFIED;
}

}  // namespace

void DeclareKinds(Arguments& arguments, std::vector<std::string>* kinds) {
  arguments.RepeatedOption("--kind", "only cpu, memory, smt or generic; may be given several times",
                           kinds);
}

absl::StatusOr<std::vector<v1::DeviceKind>> ReadKinds(const std::vector<std::string>& kinds) {
  Violations violations;
  std::set<v1::DeviceKind> found;
  for (const std::string& name : kinds) {
    const v1::DeviceKind kind = FindKind(name);
    if (kind == v1::DEVICE_KIND_UNSPECIFIED) {
      violations.push_back(
          {"--kind", absl::StrCat(Quoted(name), " is not cpu, memory, smt or generic")});
    }
    found.insert(kind);
  }
  RETURN_IF_ERROR(MakeFieldErrors(violations));
  return std::vector<v1::DeviceKind>(found.begin(), found.end());
}

}  // namespace hotplugger::client::host
