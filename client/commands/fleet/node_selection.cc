#include "client/commands/fleet/node_selection.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "client/flag_values.h"
#include "client/selector_text.h"
#include "common/status_macros.h"

namespace hotplugger::client::fleet {
namespace {

constexpr int kMaxParallel = 100;

}  // namespace

std::shared_ptr<NodeOptions> DeclareNodes(Arguments& arguments) {
  auto options = std::make_shared<NodeOptions>();
  arguments.RepeatedOption("-n,--node",
                           "this node, or those that a pattern finds, e.g. 'web-*'; may be given "
                           "again. With --selector each must have those labels too",
                           &options->nodes);
  arguments.Value(
      "-l,--selector", "LABELS",
      absl::StrCat(kSelectorForms, "; with --node those nodes alone, which must meet them"),
      &options->labels);
  arguments.Value("--parallel", "N", "so many nodes at once, 1 to 100 [8]", &options->parallel);
  arguments.Value("--deadline", "DURATION",
                  "for each node, 1s to 1h, its wait for earlier operations included [90s]",
                  &options->deadline);
  return options;
}

std::shared_ptr<NodeOptions> DeclareNodesToChange(Arguments& arguments) {
  auto options = DeclareNodes(arguments);
  arguments.Switch("--keep-going", "go on with further nodes when one has failed",
                   &options->keep_going);
  DeclareNoteOptions(arguments, &options->note);
  return options;
}

absl::StatusOr<v1::OperateNodesRequest> MakeNodesRequest(const NodeOptions& options,
                                                         v1::Operation operation, bool is_change,
                                                         const Session& session) {
  v1::OperateNodesRequest request;
  Violations violations;
  if (options.nodes.empty() && !options.labels) {
    violations.push_back({"--node", "name nodes by --node NAME or --selector KEY=VALUE"});
  }
  request.mutable_selector()->mutable_nodes()->Add(options.nodes.begin(), options.nodes.end());
  if (options.labels) {
    ReadSelector("--selector", *options.labels, request.mutable_selector(), &violations);
  }
  if (options.parallel) {
    request.set_parallel(ReadNumber("--parallel", *options.parallel, 1, kMaxParallel, &violations));
  }
  *request.mutable_deadline() =
      ReadDeadline("--deadline", options.deadline.value_or("90s"), &violations);
  RETURN_IF_ERROR(MakeFieldErrors(violations));
  request.set_keep_going(options.keep_going);
  *request.mutable_operation() = std::move(operation);
  if (is_change) *request.mutable_note() = MakeNote(options.note, session);
  return request;
}

absl::Status NameNodeFlags(const absl::Status& status) {
  return NameFlags(status, {{"selector.nodes", "--node"},
                            {"selector", "--selector"},
                            {"note.reason", "--reason"},
                            {"note.ticket", "--ticket"},
                            {"note.author", "--author"},
                            {"deadline", "--deadline"},
                            {"parallel", "--parallel"}});
}

}  // namespace hotplugger::client::fleet
