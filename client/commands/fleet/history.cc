#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "client/commands/fleet/verbs.h"
#include "client/list_all.h"
#include "client/policy_changes.h"
#include "common/proto_time.h"
#include "common/status_macros.h"

namespace hotplugger::client::fleet {
namespace {

struct Options {
  std::string kind;
  std::string name;
};

// What the revision at `index` changed; the list begins with the newest.
std::string ChangeAt(const v1::ListPolicyRevisionsResponse& history, int index) {
  const v1::Policy& policy = history.revisions(index);
  if (index + 1 < history.revisions_size()) {
    return DescribeChanges(history.revisions(index + 1), policy);
  }
  return policy.revision() == 1 ? "created" : "not known: the revision before isn't kept any more";
}

absl::StatusOr<ExitCode> History(const Options& options, Session& session) {
  ASSIGN_OR_RETURN(const v1::ListPolicyRevisionsResponse history,
                   ListAllRevisions(*session.fleet, options.name));
  if (session.format != OutputFormat::kTable) {
    RETURN_IF_ERROR(PrintDocument(history, session.format, session.out));
    return ExitCode::kOk;
  }
  Table table({"REVISION", "AGE", "CHANGED"});
  for (int i = 0; i < history.revisions_size(); ++i) {
    const v1::Policy& policy = history.revisions(i);
    table.AddRow({absl::StrCat(policy.revision()),
                  policy.has_update_time()
                      ? FormatAge(session.clock.Now() - ToTime(policy.update_time()))
                      : "",
                  ChangeAt(history, i)});
  }
  table.AlignRight({0});
  table.Print(session.out);
  return ExitCode::kOk;
}

}  // namespace

Action DeclareHistory(Arguments& arguments) {
  auto options = std::make_shared<Options>();
  arguments.Required("KIND", "of what", &options->kind, {"policy"});
  arguments.Required("NAME", "its name", &options->name);
  return [options](Session& session) { return History(*options, session); };
}

}  // namespace hotplugger::client::fleet
