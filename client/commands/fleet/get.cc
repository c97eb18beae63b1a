#include <algorithm>
#include <array>
#include <limits>
#include <memory>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "client/commands/fleet/get_lists.h"
#include "client/commands/fleet/verbs.h"
#include "client/flag_values.h"
#include "common/status_macros.h"

namespace hotplugger::client::fleet {
namespace {

struct Options {
  GetOptions get;
  std::optional<std::string> revision;
  bool watch = false;
};

// The kinds that show one of their own; the others are lists.
bool IsOfOne(const std::string& kind) { return kind == "node" || kind == "policy"; }

// Flags that another kind would ignore are mistakes.
absl::Status Check(const Options& options) {
  const std::string& kind = options.get.kind;
  Violations violations;
  const auto only = [&](bool given, const std::string& flag, bool right, absl::string_view kinds) {
    if (given && !right) violations.push_back({flag, absl::StrCat("is for ", kinds, " alone")});
  };
  if (IsOfOne(kind) && !options.get.name) {
    violations.push_back({"NAME", absl::StrCat("is missing; get ", kind, " shows one")});
  }
  only(options.get.name.has_value(), "NAME", IsOfOne(kind), "get node and get policy");
  only(!options.get.policy.empty(), "--policy", kind == "nodes", "get nodes");
  only(!options.get.node.empty(), "--node", kind == "holds", "get holds");
  only(options.watch, "--watch", kind == "nodes", "get nodes");
  only(options.revision.has_value(), "--revision", kind == "policy", "get policy");
  return MakeFieldErrors(violations);
}

absl::StatusOr<ExitCode> Get(const Options& given, Session& session) {
  RETURN_IF_ERROR(Check(given));
  GetOptions options = given.get;
  if (given.revision) {
    Violations violations;
    options.revision =
        ReadNumber("--revision", *given.revision, 1, std::numeric_limits<int>::max(), &violations);
    RETURN_IF_ERROR(MakeFieldErrors(violations));
  }
  if (given.watch) return WatchNodes(options, session);
  if (options.kind == "nodes" || options.kind == "node") {
    RETURN_IF_ERROR(GetNodes(options, session));
  } else if (options.kind == "policies" || options.kind == "policy") {
    RETURN_IF_ERROR(GetPolicies(options, session));
  } else {
    RETURN_IF_ERROR(GetHolds(options, session));
  }
  return ExitCode::kOk;
}

}  // namespace

TableStyle StyleOf(const GetOptions& options, const Session& session) {
  return {/*indent=*/0, /*headings=*/!options.no_headers, session.colours};
}

Action DeclareGet(Arguments& arguments) {
  auto options = std::make_shared<Options>();
  arguments.Required("KIND", "what to list, or of what to show one", &options->get.kind,
                     {"nodes", "policies", "holds", "node", "policy"});
  arguments.Optional("NAME", "with node and policy: its name", &options->get.name);
  arguments.Option("--policy", "with nodes: only those that this policy matches",
                   &options->get.policy);
  arguments.Option("--node", "with holds: only those of this node", &options->get.node);
  arguments.Value("--revision", "N", "with policy: as it was at this revision", &options->revision);
  arguments.Switch("-w,--watch",
                   "with nodes: go on, and print each node that changes, until interrupted",
                   &options->watch);
  arguments.Switch("--no-headers", "print a table without its first line",
                   &options->get.no_headers);
  return [options](Session& session) { return Get(*options, session); };
}

}  // namespace hotplugger::client::fleet
