#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/commands/fleet/verbs.h"
#include "client/list_all.h"
#include "client/node_view.h"
#include "client/text.h"
#include "common/byte_size.h"
#include "common/status_macros.h"

namespace hotplugger::client::fleet {
namespace {

// A selector's node names beyond these are only counted.
constexpr int kMaxShownNodes = 3;

struct Options {
  std::string kind;
  std::string policy;
  std::string node;
};

std::string Age(const google::protobuf::Timestamp& time, absl::Time now) {
  return FormatAge(now - absl::FromUnixSeconds(time.seconds()));
}

// "pool=lab,rack=7" or "node in (a, b, +5)", or both.
std::string FormatSelector(const v1::Selector& selector) {
  std::vector<std::string> parts;
  // A protobuf map has no order.
  std::map<std::string, std::string> labels(selector.match_labels().begin(),
                                            selector.match_labels().end());
  for (const auto& [key, value] : labels) parts.push_back(absl::StrCat(key, "=", value));
  if (selector.nodes_size() > 0) {
    std::vector<std::string> names;
    for (int i = 0; i < std::min(selector.nodes_size(), kMaxShownNodes); ++i) {
      names.push_back(selector.nodes(i));
    }
    const int more = selector.nodes_size() - kMaxShownNodes;
    if (more > 0) names.push_back(absl::StrCat("+", more));
    parts.push_back(absl::StrCat("node in (", absl::StrJoin(names, ", "), ")"));
  }
  return absl::StrJoin(parts, ",");
}

std::string FormatDrivers(const v1::DriverSettings& drivers) {
  std::vector<std::string> parts(drivers.active().begin(), drivers.active().end());
  for (const std::string& name : drivers.stopped()) parts.push_back(absl::StrCat(name, ":stopped"));
  if (drivers.switching() != v1::SWITCH_UNSPECIFIED) {
    parts.push_back(
        absl::StrCat("switching:", ShortEnumName(*v1::Switch_descriptor(), drivers.switching())));
  }
  return absl::StrJoin(parts, ",");
}

void AddHotAdd(v1::HotAdd hot_add, std::vector<std::string>* parts) {
  if (hot_add == v1::HOT_ADD_UNSPECIFIED) return;
  parts->push_back(absl::StrCat("hot-add:", ShortEnumName(*v1::HotAdd_descriptor(), hot_add)));
}

// "offline:2-3", "online:50%,smt:off,hot-add:online".
std::string FormatCpu(const v1::CpuSettings& cpu) {
  std::vector<std::string> parts;
  if (!cpu.offline().empty()) parts.push_back(absl::StrCat("offline:", cpu.offline()));
  if (cpu.has_online_count()) parts.push_back(absl::StrCat("online:", cpu.online_count()));
  if (cpu.has_online_percent()) parts.push_back(absl::StrCat("online:", cpu.online_percent(), "%"));
  if (cpu.smt() != v1::SMT_CONTROL_UNSPECIFIED) {
    parts.push_back(absl::StrCat("smt:", ShortEnumName(*v1::SmtControl_descriptor(), cpu.smt())));
  }
  AddHotAdd(cpu.hot_add(), &parts);
  return absl::StrJoin(parts, ",");
}

// "offline-blocks:32-39" or "offline:4Gi", "hot-add:online_movable".
std::string FormatMemory(const v1::MemorySettings& memory) {
  std::vector<std::string> parts;
  if (!memory.offline_blocks().empty()) {
    parts.push_back(absl::StrCat("offline-blocks:", memory.offline_blocks()));
  }
  if (!memory.offline_bytes().empty()) {
    parts.push_back(absl::StrCat("offline:", memory.offline_bytes()));
  }
  AddHotAdd(memory.hot_add(), &parts);
  return absl::StrJoin(parts, ",");
}

absl::Status GetNodes(const Options& options, Session& session) {
  v1::ListNodesRequest request;
  request.set_policy(options.policy);
  ASSIGN_OR_RETURN(const v1::ListNodesResponse nodes, ListAllNodes(*session.fleet, request));
  if (session.format != OutputFormat::kTable) {
    return PrintDocument(nodes, session.format, session.out);
  }
  Table table({"NAME", "CONNECTED", "IN-SYNC", "CPUS-ONLINE", "CPUS-OFFLINE", "SMT",
               "MEMORY-ONLINE", "MEMORY-OFFLINE", "DRIVERS", "STATE", "LAST-CONTACT"});
  for (const v1::Node& node : nodes.nodes()) {
    const std::optional<MemorySizes> memory = MemorySizesOf(node.inventory());
    table.AddRow({node.name(), node.connected() ? "yes" : "no", node.in_sync() ? "yes" : "no",
                  node.inventory().cpus_online(), OfflineCpus(node.inventory()),
                  SmtState(node.inventory()), memory ? FormatByteSize(memory->online) : "",
                  memory ? FormatByteSize(memory->offline) : "", RunningDrivers(node.inventory()),
                  ApplyStateName(node),
                  node.has_last_contact_time() ? Age(node.last_contact_time(), session.clock.Now())
                                               : "never"});
  }
  table.Print(session.out);
  return absl::OkStatus();
}

absl::Status GetPolicies(Session& session) {
  ASSIGN_OR_RETURN(const v1::ListPoliciesResponse policies, ListAllPolicies(*session.fleet));
  if (session.format != OutputFormat::kTable) {
    return PrintDocument(policies, session.format, session.out);
  }
  Table table({"NAME", "PRIORITY", "REVISION", "SELECTOR", "CPU", "MEMORY", "DRIVERS", "UPDATED"});
  for (const v1::Policy& policy : policies.policies()) {
    table.AddRow({policy.name(), absl::StrCat(policy.priority()), absl::StrCat(policy.revision()),
                  FormatSelector(policy.selector()), FormatCpu(policy.cpu()),
                  FormatMemory(policy.memory()), FormatDrivers(policy.drivers()),
                  policy.has_update_time() ? Age(policy.update_time(), session.clock.Now()) : ""});
  }
  table.Print(session.out);
  return absl::OkStatus();
}

absl::Status GetHolds(const Options& options, Session& session) {
  ASSIGN_OR_RETURN(const v1::ListHoldsResponse holds, ListAllHolds(*session.fleet, options.node));
  if (session.format != OutputFormat::kTable) {
    return PrintDocument(holds, session.format, session.out);
  }
  Table table({"NODE", "SUBJECT", "STATE", "AGE", "REASON"});
  for (const v1::Hold& hold : holds.holds()) {
    table.AddRow({hold.node(), hold.subject(),
                  ShortEnumName(*v1::DeviceState_descriptor(), hold.state()),
                  hold.has_create_time() ? Age(hold.create_time(), session.clock.Now()) : "",
                  hold.reason()});
  }
  table.Print(session.out);
  return absl::OkStatus();
}

absl::StatusOr<ExitCode> Get(const Options& options, Session& session) {
  if (options.kind == "nodes") {
    RETURN_IF_ERROR(GetNodes(options, session));
  } else if (options.kind == "policies") {
    RETURN_IF_ERROR(GetPolicies(session));
  } else {
    RETURN_IF_ERROR(GetHolds(options, session));
  }
  return ExitCode::kOk;
}

}  // namespace

Action DeclareGet(Arguments& arguments) {
  auto options = std::make_shared<Options>();
  arguments.Required("KIND", "what to list", &options->kind, {"nodes", "policies", "holds"});
  arguments.Option("--policy", "with nodes: only those that this policy matches", &options->policy);
  arguments.Option("--node", "with holds: only those of this node", &options->node);
  return [options](Session& session) { return Get(*options, session); };
}

}  // namespace hotplugger::client::fleet
