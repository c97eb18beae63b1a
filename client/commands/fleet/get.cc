#include <limits>
#include <memory>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "client/commands/fleet/get_filter.h"
#include "client/commands/fleet/get_lists.h"
#include "client/commands/fleet/verbs.h"
#include "client/flag_values.h"
#include "common/status_macros.h"

namespace hotplugger::client::fleet {
namespace {

struct Options {
  GetOptions get;
  FilterOptions filter;
  std::optional<std::string> revision;
  bool watch = false;
};

// The kinds that show one of their own; the others are lists.
bool IsOfOne(const std::string& kind) { return kind == "node" || kind == "policy"; }

absl::Status Check(const Options& options) {
  const std::string& kind = options.get.kind;
  Violations violations;
  if (IsOfOne(kind) && !options.get.name) {
    violations.push_back({"NAME", absl::StrCat("is missing; get ", kind, " shows one")});
  }
  if (kind == "holds" && options.get.name) {
    violations.push_back({"NAME", "is not for get holds; --node and --subject choose"});
  }
  if (options.watch && IsOfOne(kind)) {
    violations.push_back({"--watch", "is for get nodes, policies and holds alone"});
  }
  if (options.watch && kind == "policies" && options.filter.node) {
    violations.push_back({"--node", "is not for get policies --watch; list them without it"});
  }
  if (options.revision && kind != "policy") {
    violations.push_back({"--revision", "is for get policy alone"});
  }
  return MakeFieldErrors(violations);
}

absl::StatusOr<ExitCode> Watch(const GetOptions& options, Session& session) {
  if (options.kind == "nodes") return WatchNodes(options, session);
  return options.kind == "policies" ? WatchPolicies(options, session)
                                    : WatchHolds(options, session);
}

absl::StatusOr<ExitCode> Get(const Options& given, Session& session) {
  RETURN_IF_ERROR(Check(given));
  GetOptions options = given.get;
  RETURN_IF_ERROR(SetFilters(given.filter, session.clock.Now(), &options));
  if (given.revision) {
    Violations violations;
    options.revision =
        ReadNumber("--revision", *given.revision, 1, std::numeric_limits<int>::max(), &violations);
    RETURN_IF_ERROR(MakeFieldErrors(violations));
  }
  if (given.watch) return Watch(options, session);
  absl::Status shown;
  if (options.kind == "nodes" || options.kind == "node") {
    shown = GetNodes(options, session);
  } else if (options.kind == "policies" || options.kind == "policy") {
    shown = GetPolicies(options, session);
  } else {
    shown = GetHolds(options, session);
  }
  if (!shown.ok()) return NameFilterFlags(shown);
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
  arguments.Optional(
      "NAME",
      "with node and policy: its name; with nodes and policies: those that a pattern "
      "finds, e.g. 'web-*'",
      &options->get.name);
  DeclareFilterOptions(arguments, &options->filter);
  arguments.Value("--revision", "N", "with policy: as it was at this revision", &options->revision);
  arguments.Switch("-w,--watch",
                   "with nodes, policies and holds: go on, and print each one that changes, until "
                   "interrupted",
                   &options->watch);
  arguments.Switch("--no-headers", "print a table without its first line",
                   &options->get.no_headers);
  return [options](Session& session) { return Get(*options, session); };
}

}  // namespace hotplugger::client::fleet
