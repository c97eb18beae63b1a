// A spec that was given up is tried once more.
#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "client/commands/fleet/ask_nodes.h"
#include "client/commands/fleet/node_selection.h"
#include "client/commands/fleet/verbs.h"
#include "client/flag_values.h"
#include "common/status_macros.h"

namespace hotplugger::client::fleet {
namespace {

constexpr char kWhereToLook[] = "`hotplugctl get nodes` shows how they fare";

struct Options {
  std::vector<std::string> nodes;
  std::shared_ptr<NodeOptions> selection;
  std::optional<std::string> digest;
};

absl::Status CheckDigest(const std::string& digest) {
  constexpr size_t kDigits = 64;
  if (digest.size() == kDigits && std::all_of(digest.begin(), digest.end(), [](unsigned char byte) {
        return absl::ascii_isdigit(byte) || (byte >= 'a' && byte <= 'f');
      })) {
    return absl::OkStatus();
  }
  return MakeFieldErrors(
      {{"--digest", absl::StrCat(Quoted(digest),
                                 " is no digest of a spec, 64 of 0-9 and a-f; `hotplugctl describe "
                                 "node` shows it whole")}});
}

void PrintRetries(const NodeAnswers& answers, std::ostream& out) {
  Table table({"NODE", "WHAT"});
  for (const v1::OperateNodesResponse& answer : answers) {
    if (!answer.result().has_retry_spec()) continue;
    const std::string& digest = answer.result().retry_spec().digest();
    table.AddRow({answer.node(), digest.empty()
                                     ? "nothing: no spec had been given up"
                                     : absl::StrCat("spec ", digest, " may be tried again")});
  }
  if (table.has_rows()) table.Print(out);
}

absl::StatusOr<ExitCode> Retry(const Options& options, Session& session) {
  if (options.digest) RETURN_IF_ERROR(CheckDigest(*options.digest));
  NodeOptions selection = *options.selection;
  selection.nodes.insert(selection.nodes.end(), options.nodes.begin(), options.nodes.end());
  v1::Operation operation;
  operation.mutable_retry_spec()->set_digest(options.digest.value_or(""));
  ASSIGN_OR_RETURN(const v1::OperateNodesRequest request,
                   MakeNodesRequest(selection, std::move(operation), /*is_change=*/true, session));
  const AskedNodes asked = AskNodes(request, session);
  if (session.format == OutputFormat::kTable) PrintRetries(asked.answers, session.out);
  return EndOf(asked, kWhereToLook, session);
}

}  // namespace

Action DeclareRetry(Arguments& arguments) {
  auto options = std::make_shared<Options>();
  arguments.Rest("NODE", "nodes, or patterns of their names, e.g. 'web-*'", &options->nodes);
  options->selection = DeclareNodesToChange(arguments);
  arguments.Value("--digest", "DIGEST",
                  "only where it is this spec that was given up [whichever it is]",
                  &options->digest);
  return [options](Session& session) { return Retry(*options, session); };
}

}  // namespace hotplugger::client::fleet
