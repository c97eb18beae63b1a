#include "server/fleet/hold_operations.h"

#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "common/error_info.h"
#include "common/log.h"
#include "common/proto_time.h"
#include "common/status_macros.h"
#include "server/fleet/etag.h"
#include "server/fleet/hold_check.h"
#include "server/fleet/pagination.h"
#include "server/fleet/policy_filter.h"
#include "server/fleet/request_check.h"
#include "server/policy/hold_validator.h"
#include "server/policy/normalize.h"
#include "server/policy/subject.h"

namespace hotplugger::server {
namespace {

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

// An agent would refuse the whole spec.
absl::Status CheckSize(const v1::Hold& hold, const Resolution& resolution) {
  const std::string problem = FindSpecSizeProblem(resolution);
  if (problem.empty()) return absl::OkStatus();
  return MakeError(
      absl::StatusCode::kFailedPrecondition, "SPEC_TOO_LARGE",
      absl::StrCat("with a hold of ", hold.subject(), " the spec of node ", hold.node(),
                   " would be too large: ", problem, ". Nothing was stored"),
      {{"node", hold.node()}, {"device", hold.subject()}});
}

absl::Status CheckRoom(const v1::Hold& hold, const FleetState::NodeHolds& existing) {
  if (existing.size() < kMaxHoldsPerNode || existing.count(hold.subject()) > 0) {
    return absl::OkStatus();
  }
  return MakeError(absl::StatusCode::kResourceExhausted, "TOO_MANY_HOLDS",
                   absl::StrCat("node ", hold.node(), " has ", kMaxHoldsPerNode,
                                " holds, the limit; release some, or use a policy"),
                   {{"node", hold.node()}});
}

absl::Status HoldNotFound(const v1::Hold& wanted, const FleetState::NodeHolds& existing) {
  std::vector<std::string> subjects;
  for (const auto& [subject, record] : existing) subjects.push_back(subject);
  return MakeError(
      absl::StatusCode::kNotFound, "HOLD_NOT_FOUND",
      absl::StrCat("node ", wanted.node().substr(0, 80), " has no hold of \"",
                   wanted.subject().substr(0, 80), "\"; it has ",
                   subjects.empty() ? std::string("none at all") : absl::StrJoin(subjects, ", ")),
      {{"node", wanted.node().substr(0, 80)}, {"subject", wanted.subject().substr(0, 80)}});
}

std::string StateWord(const v1::Hold& hold) {
  return hold.state() == v1::DEVICE_STATE_ONLINE ? "online" : "offline";
}

std::string Summary(const v1::Hold& hold) {
  std::string summary = absl::StrCat("held ", StateWord(hold));
  if (hold.has_expire_time()) {
    absl::StrAppend(
        &summary, " until ",
        absl::FormatTime(absl::RFC3339_sec, ToTime(hold.expire_time()), absl::UTCTimeZone()));
  }
  return summary;
}

// The controller's own fields, and the time of expiry in place of the time to live.
void Complete(absl::Time now, v1::Hold* hold) {
  if (hold->has_ttl()) {
    const absl::Time expiry = now + ToDuration(hold->ttl());
    SetTimestamp(expiry, hold->mutable_expire_time());
  }
  SetTimestamp(now, hold->mutable_create_time());
  hold->clear_etag();
  hold->set_etag(MakeEtag(*hold));
}

std::string StoredEtag(const FleetState::NodeHolds& existing, const std::string& subject) {
  const auto stored = existing.find(subject);
  return stored == existing.end() ? std::string() : stored->second.message.etag();
}

}  // namespace

std::string HoldResource(const std::string& node, const std::string& subject) {
  return absl::StrCat("nodes/", node, "/holds/", subject);
}

absl::StatusOr<v1::SetHoldResponse> HoldOperations::Set(const v1::SetHoldRequest& request,
                                                        Change* change) {
  change->SetResource(HoldResource(request.hold().node(), request.hold().subject()));
  const absl::Time now = state_->clock()->Now();
  RETURN_IF_ERROR(MakeFieldErrors(ValidateHold(request.hold(), now)));
  RETURN_IF_ERROR(RequestCheck().Etag("hold.etag", request.hold().etag()).status());
  v1::Hold hold = request.hold();
  NormalizeHold(&hold);
  ASSIGN_OR_RETURN(const Subject subject, ParseSubject(hold.subject()));
  ASSIGN_OR_RETURN(const NodeSnapshot node, state_->registry()->Get(hold.node()));
  RETURN_IF_ERROR(CheckHold(hold, subject, node));
  const FleetState::NodeHolds& existing = state_->HoldsOf(hold.node());
  RETURN_IF_ERROR(CheckEtag(hold.etag(), StoredEtag(existing, hold.subject()),
                            absl::StrCat("the hold of ", hold.subject())));
  RETURN_IF_ERROR(CheckRoom(hold, existing));
  Complete(now, &hold);
  const std::vector<v1::Hold> replaced = FindReplaced(hold, existing);
  WhatIf what_if{.put_hold = &hold};
  for (const v1::Hold& old : replaced) what_if.erased_holds.insert(old.subject());
  auto resolution = state_->Resolve(node, what_if);
  RETURN_IF_ERROR(CheckSize(hold, *resolution));

  v1::SetHoldResponse response;
  for (std::string& warning : FindHoldWarnings(hold, subject, node)) {
    *response.add_warnings() = std::move(warning);
  }
  for (const v1::Hold& old : replaced) *response.add_replaced() = old;
  *response.mutable_hold() = hold;
  if (request.validate_only()) return response;
  change->SetOutcome(Summary(hold), response);
  RETURN_IF_ERROR(state_->PutHold(hold, replaced, change));
  state_->registry()->SetDesired(node.name, std::move(resolution));
  for (const v1::Hold& old : replaced) {
    state_->Tell({EventType::kHoldReleased, HoldResource(old.node(), old.subject()),
                  absl::StrCat("replaced by the hold of ", hold.subject())});
  }
  state_->Tell({EventType::kHoldSet, HoldResource(hold.node(), hold.subject()), Summary(hold)});
  Log(LogLevel::kInfo, "hold set",
      {{"node", hold.node()},
       {"subject", hold.subject()},
       {"state", StateWord(hold)},
       {"reason", hold.reason()}});
  return response;
}

absl::StatusOr<v1::ReleaseHoldResponse> HoldOperations::Release(
    const v1::ReleaseHoldRequest& request, Change* change) {
  change->SetResource(HoldResource(request.node(), request.subject()));
  RETURN_IF_ERROR(RequestCheck()
                      .NodeName("node", request.node())
                      .Subject("subject", request.subject())
                      .Etag("etag", request.etag())
                      .status());
  v1::Hold wanted;
  wanted.set_node(request.node());
  wanted.set_subject(request.subject());
  NormalizeHold(&wanted);
  change->SetResource(HoldResource(wanted.node(), wanted.subject()));
  const FleetState::NodeHolds& existing = state_->HoldsOf(wanted.node());
  const auto it = existing.find(wanted.subject());
  if (it == existing.end()) return HoldNotFound(wanted, existing);
  RETURN_IF_ERROR(CheckEtag(request.etag(), it->second.message.etag(),
                            absl::StrCat("the hold of ", wanted.subject())));
  v1::ReleaseHoldResponse response;
  *response.mutable_hold() = it->second.message;
  if (request.validate_only()) return response;
  change->SetOutcome(absl::StrCat("released, was held ", StateWord(response.hold())), response);
  RETURN_IF_ERROR(state_->EraseHold(response.hold(), change));
  const auto node = state_->registry()->Get(wanted.node());
  if (node.ok()) state_->UpdateDesired(*node);
  state_->Tell({EventType::kHoldReleased, HoldResource(wanted.node(), wanted.subject()),
                absl::StrCat("was held ", StateWord(response.hold()))});
  Log(LogLevel::kInfo, "hold released", {{"node", wanted.node()}, {"subject", wanted.subject()}});
  return response;
}

std::set<HoldKey> HoldOperations::FindLapsed() const {
  const absl::Time now = state_->clock()->Now();
  std::set<HoldKey> lapsed;
  if (state_->NextExpiry() > now) return lapsed;
  for (const auto& [node, holds] : state_->holds()) {
    for (const auto& [subject, record] : holds) {
      const v1::Hold& hold = record.message;
      if (!hold.has_expire_time() || ToTime(hold.expire_time()) > now) continue;
      lapsed.insert({node, subject});
    }
  }
  return lapsed;
}

absl::Status HoldOperations::Lapse(const HoldKey& key, Change* change) {
  change->SetResource(HoldResource(key.node, key.subject));
  const FleetState::NodeHolds& existing = state_->HoldsOf(key.node);
  const auto it = existing.find(key.subject);
  if (it == existing.end()) return absl::OkStatus();
  const v1::Hold hold = it->second.message;
  v1::ReleaseHoldResponse response;
  *response.mutable_hold() = hold;
  change->SetOutcome(absl::StrCat("lapsed, was held ", StateWord(hold)), response);
  RETURN_IF_ERROR(state_->EraseHold(hold, change));
  const auto node = state_->registry()->Get(hold.node());
  if (node.ok()) state_->UpdateDesired(*node);
  state_->Tell({EventType::kHoldLapsed, HoldResource(hold.node(), hold.subject()),
                absl::StrCat("its time is over, was held ", StateWord(hold))});
  Log(LogLevel::kInfo, "hold lapsed", {{"node", hold.node()}, {"subject", hold.subject()}});
  return absl::OkStatus();
}

absl::StatusOr<v1::ListHoldsResponse> HoldOperations::List(const v1::ListHoldsRequest& request) {
  Violations violations;
  CheckFilter(request.filter(), &violations);
  RETURN_IF_ERROR(MakeFieldErrors(violations));
  ASSIGN_OR_RETURN(Page page, Page::Parse(request.page_size(), request.page_token(),
                                          ScopeOf("ListHolds", request.filter())));
  // A key is NODE/SUBJECT, and a node's name has no slash.
  const std::pair<std::string, std::string> start =
      absl::StrSplit(page.start_after(), absl::MaxSplits('/', 1));
  v1::ListHoldsResponse response;
  std::string last;
  for (const auto& [node, holds] : state_->holds()) {
    for (const auto& [subject, record] : holds) {
      if (std::tie(node, subject) <= std::tie(start.first, start.second)) continue;
      if (!MeetsFilter(record.message, request.filter())) continue;
      if (!page.Take(record.message.ByteSizeLong())) {
        response.set_next_page_token(page.TokenAfter(last));
        return response;
      }
      *response.add_holds() = record.message;
      last = absl::StrCat(node, "/", subject);
    }
  }
  return response;
}

}  // namespace hotplugger::server
