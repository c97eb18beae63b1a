#include "client/commands/fleet/node_selection.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "client/flag_values.h"
#include "common/status_macros.h"

namespace hotplugger::client::fleet {
namespace {

constexpr int kMaxParallel = 100;

void ReadLabels(const std::string& text, v1::Selector* selector, Violations* violations) {
  auto& labels = *selector->mutable_match_labels();
  for (const absl::string_view pair : absl::StrSplit(text, ',')) {
    const std::vector<std::string> sides = absl::StrSplit(pair, absl::MaxSplits('=', 1));
    if (sides.size() != 2 || sides[0].empty()) {
      violations->push_back(
          {"--selector", absl::StrCat(Quoted(pair), " is not KEY=VALUE, e.g. pool=lab")});
    } else if (const auto [label, is_new] = labels.insert({sides[0], sides[1]}); !is_new) {
      violations->push_back({"--selector", absl::StrCat(Quoted(sides[0]),
                                                        " is given twice, and a node has one value "
                                                        "of it; ask once for each value")});
    }
  }
}

}  // namespace

std::shared_ptr<NodeOptions> DeclareNodes(Arguments& arguments) {
  auto options = std::make_shared<NodeOptions>();
  arguments.RepeatedOption("-n,--node",
                           "this node, or those that a pattern finds, e.g. 'web-*'; may be given "
                           "again. With --selector each must have those labels too",
                           &options->nodes);
  arguments.Value("-l,--selector", "LABELS",
                  "nodes with all of these labels, e.g. pool=lab,rack=7; with --node those nodes "
                  "alone, which must have them",
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
  return options;
}

absl::StatusOr<v1::OperateNodesRequest> MakeNodesRequest(const NodeOptions& options,
                                                         v1::Operation operation) {
  v1::OperateNodesRequest request;
  Violations violations;
  if (options.nodes.empty() && !options.labels) {
    violations.push_back({"--node", "name nodes by --node NAME or --selector KEY=VALUE"});
  }
  request.mutable_selector()->mutable_nodes()->Add(options.nodes.begin(), options.nodes.end());
  if (options.labels) ReadLabels(*options.labels, request.mutable_selector(), &violations);
  if (options.parallel) {
    request.set_parallel(ReadNumber("--parallel", *options.parallel, 1, kMaxParallel, &violations));
  }
  *request.mutable_deadline() =
      ReadDeadline("--deadline", options.deadline.value_or("90s"), &violations);
  RETURN_IF_ERROR(MakeFieldErrors(violations));
  request.set_keep_going(options.keep_going);
  *request.mutable_operation() = std::move(operation);
  return request;
}

absl::Status NameNodeFlags(const absl::Status& status) {
  return NameFlags(status, {{"selector.nodes", "--node"},
                            {"selector.match_labels", "--selector"},
                            {"deadline", "--deadline"},
                            {"parallel", "--parallel"}});
}

}  // namespace hotplugger::client::fleet
