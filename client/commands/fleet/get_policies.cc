#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/commands/fleet/get_lists.h"
#include "client/commands/fleet/list_watch.h"
#include "client/list_all.h"
#include "client/list_filter.h"
#include "client/policy_file/policy_text.h"
#include "client/policy_view.h"
#include "client/text.h"
#include "common/proto_time.h"
#include "common/status_macros.h"

namespace hotplugger::client::fleet {
namespace {

using PolicyList = google::protobuf::RepeatedPtrField<v1::Policy>;

void AddRow(const v1::Policy& policy, const Session& session, Table* table) {
  std::vector<std::string> cells = {
      policy.name(),
      absl::StrCat(policy.priority()),
      absl::StrCat(policy.revision()),
      FormatSelector(policy.selector()),
      FormatCpu(policy.cpu()),
      FormatMemory(policy.memory()),
      FormatDrivers(policy.drivers()),
      policy.has_update_time() ? FormatAge(session.clock.Now() - ToTime(policy.update_time()))
                               : ""};
  if (session.wide) {
    cells.insert(cells.end(), {FormatDrift(policy), FormatConfirm(policy), FormatOnRelease(policy),
                               policy.etag()});
  }
  table->AddRow(std::move(cells));
}

Table PolicyTable(const Session& session) {
  std::vector<std::string> headings = {"NAME", "PRIORITY", "REVISION", "SELECTOR",
                                       "CPU",  "MEMORY",   "DRIVERS",  "UPDATED"};
  if (session.wide) headings.insert(headings.end(), {"DRIFT", "CONFIRM", "ON-RELEASE", "ETAG"});
  return Table(std::move(headings));
}

void PrintPolicies(const PolicyList& policies, const GetOptions& options, Session& session) {
  if (session.names_only) {
    for (const v1::Policy& policy : policies) {
      session.out << "policy/" << Printable(policy.name()) << '\n';
    }
    return;
  }
  Table table = PolicyTable(session);
  for (const v1::Policy& policy : policies) AddRow(policy, session, &table);
  table.Print(session.out, StyleOf(options, session));
}

// As documents that apply reads. An etag would have each of them refused once its policy has
// changed, which is right for one that is being edited and wrong for a copy.
void PrintFiles(const PolicyList& policies, std::ostream& out) {
  bool first = true;
  for (v1::Policy policy : policies) {
    policy.clear_etag();
    out << (first ? "" : "---\n") << FormatPolicy(policy);
    first = false;
  }
}

absl::Status GetOnePolicy(const GetOptions& options, Session& session) {
  v1::GetPolicyRequest request;
  request.set_name(*options.name);
  request.set_revision(options.revision);
  ASSIGN_OR_RETURN(v1::GetPolicyResponse response, session.fleet->GetPolicy(request));
  if (session.format == OutputFormat::kJson) {
    return PrintDocument(response, session.format, session.out);
  }
  v1::Policy& policy = *response.mutable_policy();
  if (session.format == OutputFormat::kYaml) {
    // An earlier revision's is never the stored one.
    if (options.revision > 0) policy.clear_etag();
    session.out << "# revision " << policy.revision() << '\n' << FormatPolicy(policy);
    return absl::OkStatus();
  }
  PolicyList policies;
  *policies.Add() = policy;
  PrintPolicies(policies, options, session);
  return absl::OkStatus();
}

}  // namespace

absl::Status GetPolicies(const GetOptions& options, Session& session) {
  if (options.kind == "policy") return GetOnePolicy(options, session);
  ASSIGN_OR_RETURN(const v1::ListPoliciesResponse policies,
                   ListAllPolicies(*session.fleet, options.policies));
  if (session.format == OutputFormat::kJson) {
    return PrintDocument(policies, session.format, session.out);
  }
  if (session.format == OutputFormat::kYaml) {
    PrintFiles(policies.policies(), session.out);
  } else {
    PrintPolicies(policies.policies(), options, session);
  }
  return absl::OkStatus();
}

absl::StatusOr<ExitCode> WatchPolicies(const GetOptions& options, Session& session) {
  WatchedKind kind = {v1::WatchFleetRequest::KIND_POLICIES, "policy"};
  kind.name = [](const WatchedItem& item) { return item.policy().name(); };
  kind.message = [](const WatchedItem& item) -> const auto& { return item.policy(); };
  kind.wants = [&](const WatchedItem& item) {
    return MatchesFilter(options.policies, item.policy());
  };
  kind.table = [&session] { return PolicyTable(session); };
  kind.add_row = [&session](const WatchedItem& item, Table* table) {
    AddRow(item.policy(), session, table);
  };
  kind.add_gone = [&session](const WatchedItem& item, Table* table) {
    std::vector<std::string> cells = {item.policy().name(), "", "", "DELETED", "", "", "", ""};
    if (session.wide) cells.resize(cells.size() + 4);
    table->AddRow(std::move(cells));
  };
  // Another revision, or another one of the same name.
  kind.mark = [](const WatchedItem& item) {
    return absl::StrCat(item.policy().revision(), " ", item.policy().etag());
  };
  return WatchList(kind, options, session);
}

}  // namespace hotplugger::client::fleet
