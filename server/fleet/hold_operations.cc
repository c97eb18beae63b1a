#include "server/fleet/hold_operations.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "common/cpu_list.h"
#include "common/error_info.h"
#include "common/log.h"
#include "common/status_macros.h"
#include "server/fleet/pagination.h"
#include "server/fleet/timestamps.h"
#include "server/policy/hold_validator.h"
#include "server/policy/normalize.h"
#include "server/policy/subject.h"

namespace hotplugger::server {
namespace {

absl::Status CheckCpu(const v1::Hold& hold, int cpu, const NodeSnapshot& node) {
  const ErrorMetadata metadata = {{"node", node.name}, {"device", hold.subject()}};
  const v1::Inventory& inventory = *node.inventory;
  const auto device =
      std::find_if(inventory.devices().begin(), inventory.devices().end(),
                   [&hold](const v1::Device& d) { return d.name() == hold.subject(); });
  if (device == inventory.devices().end()) {
    return MakeError(absl::StatusCode::kNotFound, "DEVICE_NOT_FOUND",
                     absl::StrCat("node ", node.name, " has no ", hold.subject(), "; its CPUs are ",
                                  inventory.cpus_present()),
                     metadata);
  }
  if (!device->hotpluggable()) {
    return MakeError(absl::StatusCode::kFailedPrecondition, "NOT_HOTPLUGGABLE",
                     absl::StrCat(hold.subject(), " of node ", node.name,
                                  " has no online file: its kernel never takes it offline; hold "
                                  "another CPU"),
                     metadata);
  }
  const auto online = ParseCpuList(inventory.cpus_online());
  if (hold.state() == v1::DEVICE_STATE_OFFLINE && online.ok() && *online == CpuSet{cpu}) {
    return MakeError(absl::StatusCode::kFailedPrecondition, "LAST_ONLINE_CPU",
                     absl::StrCat(hold.subject(), " is the last online CPU of node ", node.name,
                                  "; bring another one online first"),
                     metadata);
  }
  return absl::OkStatus();
}

absl::Status CheckDriver(const std::string& driver, const NodeSnapshot& node) {
  std::vector<std::string> names;
  for (const v1::Driver& registered : node.inventory->drivers()) {
    if (absl::EqualsIgnoreCase(registered.name(), driver)) return absl::OkStatus();
    names.push_back(registered.name());
  }
  return MakeError(
      absl::StatusCode::kNotFound, "DRIVER_NOT_REGISTERED",
      absl::StrCat("node ", node.name, " has no driver ", driver, "; it has ",
                   names.empty() ? std::string("none at all") : absl::StrJoin(names, ", ")),
      {{"node", node.name}, {"driver", driver}});
}

absl::Status CheckInventory(const v1::Hold& hold, const Subject& subject,
                            const NodeSnapshot& node) {
  if (node.inventory == nullptr) return absl::OkStatus();
  return subject.kind == Subject::Kind::kCpu ? CheckCpu(hold, subject.cpu, node)
                                             : CheckDriver(subject.driver, node);
}

// Other drivers of the node that are held running: there is one that a person switched to.
std::vector<v1::Hold> FindReplaced(const v1::Hold& hold, const FleetState::NodeHolds& existing) {
  std::vector<v1::Hold> replaced;
  if (hold.state() != v1::DEVICE_STATE_ONLINE || !absl::StartsWith(hold.subject(), "driver/")) {
    return replaced;
  }
  for (const auto& [subject, record] : existing) {
    if (subject != hold.subject() && absl::StartsWith(subject, "driver/") &&
        record.message.state() == v1::DEVICE_STATE_ONLINE) {
      replaced.push_back(record.message);
    }
  }
  return replaced;
}

void AddWarnings(const NodeSnapshot& node, const Subject& subject, v1::SetHoldResponse* response) {
  if (!node.connected) {
    response->add_warnings(
        absl::StrCat("node ", node.name, " is not connected; the hold takes effect when it is"));
  }
  if (node.inventory == nullptr) {
    response->add_warnings(absl::StrCat("node ", node.name, " has not said what it has; whether ",
                                        FormatSubject(subject), " exists is not known"));
  }
  if (subject.kind == Subject::Kind::kDriver && node.desired != nullptr &&
      node.desired->spec.switching() == v1::SWITCH_OFF) {
    response->add_warnings(absl::StrCat("a policy turns switching off on node ", node.name,
                                        "; this hold outranks it"));
  }
}

}  // namespace

absl::StatusOr<v1::SetHoldResponse> HoldOperations::Set(const v1::SetHoldRequest& request) {
  RETURN_IF_ERROR(MakeFieldErrors(ValidateHold(request.hold())));
  v1::Hold hold = request.hold();
  NormalizeHold(&hold);
  ASSIGN_OR_RETURN(const Subject subject, ParseSubject(hold.subject()));
  ASSIGN_OR_RETURN(const NodeSnapshot node, state_->registry()->Get(hold.node()));
  RETURN_IF_ERROR(CheckInventory(hold, subject, node));
  const FleetState::NodeHolds& existing = state_->HoldsOf(hold.node());
  if (existing.size() >= kMaxHoldsPerNode && existing.count(hold.subject()) == 0) {
    return MakeError(absl::StatusCode::kResourceExhausted, "TOO_MANY_HOLDS",
                     absl::StrCat("node ", hold.node(), " has ", kMaxHoldsPerNode,
                                  " holds, the limit; release some, or use a policy"),
                     {{"node", hold.node()}});
  }
  SetTimestamp(state_->clock()->Now(), hold.mutable_create_time());
  const std::vector<v1::Hold> replaced = FindReplaced(hold, existing);
  RETURN_IF_ERROR(state_->PutHold(hold, replaced));
  v1::SetHoldResponse response;
  AddWarnings(node, subject, &response);
  for (const v1::Hold& old : replaced) *response.add_replaced() = old;
  state_->UpdateDesired(node);
  Log(LogLevel::kInfo, "hold set",
      {{"node", hold.node()},
       {"subject", hold.subject()},
       {"state", hold.state() == v1::DEVICE_STATE_ONLINE ? "online" : "offline"},
       {"reason", hold.reason()}});
  *response.mutable_hold() = std::move(hold);
  return response;
}

absl::StatusOr<v1::ReleaseHoldResponse> HoldOperations::Release(
    const v1::ReleaseHoldRequest& request) {
  v1::Hold wanted;
  wanted.set_node(request.node());
  wanted.set_subject(request.subject());
  NormalizeHold(&wanted);
  const FleetState::NodeHolds& existing = state_->HoldsOf(wanted.node());
  const auto it = existing.find(wanted.subject());
  if (it == existing.end()) {
    std::vector<std::string> subjects;
    for (const auto& [subject, record] : existing) subjects.push_back(subject);
    return MakeError(
        absl::StatusCode::kNotFound, "HOLD_NOT_FOUND",
        absl::StrCat("node ", wanted.node().substr(0, 80), " has no hold of \"",
                     wanted.subject().substr(0, 80), "\"; it has ",
                     subjects.empty() ? std::string("none at all") : absl::StrJoin(subjects, ", ")),
        {{"node", wanted.node().substr(0, 80)}, {"subject", wanted.subject().substr(0, 80)}});
  }
  v1::ReleaseHoldResponse response;
  *response.mutable_hold() = it->second.message;
  RETURN_IF_ERROR(state_->EraseHold(response.hold()));
  const auto node = state_->registry()->Get(wanted.node());
  if (node.ok()) state_->UpdateDesired(*node);
  Log(LogLevel::kInfo, "hold released", {{"node", wanted.node()}, {"subject", wanted.subject()}});
  return response;
}

absl::StatusOr<v1::ListHoldsResponse> HoldOperations::List(const v1::ListHoldsRequest& request) {
  ASSIGN_OR_RETURN(Page page, Page::Parse(request.page_size(), request.page_token()));
  // A key is NODE/SUBJECT, and a node's name has no slash.
  const std::pair<std::string, std::string> start =
      absl::StrSplit(page.start_after(), absl::MaxSplits('/', 1));
  v1::ListHoldsResponse response;
  std::string last;
  for (const auto& [node, holds] : state_->holds()) {
    if (!request.node().empty() && node != request.node()) continue;
    for (const auto& [subject, record] : holds) {
      if (std::tie(node, subject) <= std::tie(start.first, start.second)) continue;
      if (!page.Take(record.message.ByteSizeLong())) {
        response.set_next_page_token(Page::TokenAfter(last));
        return response;
      }
      *response.add_holds() = record.message;
      last = absl::StrCat(node, "/", subject);
    }
  }
  return response;
}

}  // namespace hotplugger::server
