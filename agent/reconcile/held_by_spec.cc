#include "agent/reconcile/held_by_spec.h"

#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/error_info.h"

namespace hotplugger::agent {

std::string SourcesOf(const v1::AgentState& state, absl::string_view setting,
                      absl::string_view subject) {
  std::vector<std::string> holds;
  std::vector<std::string> policies;
  for (const v1::SettingSource& source : state.spec_sources()) {
    const bool any_driver = subject == "driver" && absl::StartsWith(source.setting(), "driver/");
    if (source.setting() == subject || any_driver) holds.push_back(source.source());
    if (source.setting() == setting) policies.push_back(source.source());
  }
  // A hold of the device itself outranks what policies say of many.
  const std::vector<std::string>& sources = holds.empty() ? policies : holds;
  return sources.empty() ? "its controller" : absl::StrJoin(sources, ", ");
}

absl::Status HeldBySpec(absl::string_view what, const std::string& sources) {
  return MakeError(absl::StatusCode::kFailedPrecondition, "HELD_BY_SPEC",
                   absl::StrCat(what, " as ", sources,
                                " wants; change that, or set a hold at the controller, for the "
                                "agent would undo a local change"),
                   {{"sources", sources}});
}

}  // namespace hotplugger::agent
