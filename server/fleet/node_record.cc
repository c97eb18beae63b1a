#include "server/fleet/node_record.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/proto_time.h"
#include "server/fleet/node_events.h"

namespace hotplugger::server {
namespace {

// Of the errors that a node gives for a refusal, so much is kept for show.
constexpr size_t kMaxNackMessage = 4096;

bool IsGivenUp(v1::ApplyState state) {
  return state == v1::APPLY_STATE_REVERTED || state == v1::APPLY_STATE_QUARANTINED;
}

// Only what was carried out, wholly or in part, can have cut a node off. One that carries it out
// once more can be reached in the meantime, and not wait until that ends.
bool AwaitsConfirmation(const v1::NodeReport& report) {
  return report.awaits_confirmation() &&
         (report.state() == v1::APPLY_STATE_APPLIED || report.state() == v1::APPLY_STATE_FAILED ||
          report.state() == v1::APPLY_STATE_APPLYING);
}

// Drift is of what the node has instead, and goes on to be counted: who adds it up sees none of it
// go. What was done or failed (the items) is of the other spec alone.
void CopyDrift(const v1::NodeReport& from, v1::NodeReport* to) {
  *to->mutable_drift() = from.drift();
  to->set_drift_count(from.drift_count());
  *to->mutable_drift_counts() = from.drift_counts();
}

}  // namespace

NodeSnapshot NodeRecord::Snapshot() const {
  NodeSnapshot snapshot = facts_;
  if (facts_.desired != nullptr && GaveUp(facts_.desired->digest)) {
    auto rejection = std::make_shared<v1::NodeReport>(*rejection_);
    if (facts_.report != nullptr) CopyDrift(*facts_.report, rejection.get());
    snapshot.report = std::move(rejection);
    return snapshot;
  }
  if (!nacked_digest_.empty() && facts_.desired != nullptr &&
      facts_.desired->digest == nacked_digest_ &&
      !(facts_.report != nullptr && facts_.report->state() == v1::APPLY_STATE_REFUSED &&
        facts_.report->digest() == nacked_digest_)) {
    auto refusal = std::make_shared<v1::NodeReport>();
    refusal->set_digest(nacked_digest_);
    refusal->set_state(v1::APPLY_STATE_REFUSED);
    refusal->set_message(absl::StrJoin(nack_errors_, "\n").substr(0, kMaxNackMessage));
    if (facts_.report != nullptr) CopyDrift(*facts_.report, refusal.get());
    snapshot.report = std::move(refusal);
  }
  return snapshot;
}

std::vector<NewEvent> NodeRecord::TakeEvents() {
  NodeSnapshot now = Snapshot();
  std::vector<NewEvent> events = FindNodeEvents(told_, now);
  told_ = std::move(now);
  return events;
}

void NodeRecord::SetIdentity(const std::string& name, NodeIdentity identity) {
  facts_.name = name;
  facts_.identity = std::make_shared<const NodeIdentity>(std::move(identity));
}

bool NodeRecord::BecomeMember() { return std::exchange(facts_.stranger, false); }

std::shared_ptr<NodeLink> NodeRecord::Connect(const v1::Hello& hello,
                                              std::shared_ptr<NodeLink> link, uint64_t stream_id,
                                              absl::Time now) {
  if (instance_id_ != hello.instance_id()) {
    displaced_instance_id_ = facts_.connected ? instance_id_ : "";
    instance_id_ = hello.instance_id();
  }
  // Another boot or version of the agent may well take what the last one refused.
  if (facts_.identity != nullptr && (facts_.identity->boot_id != hello.boot_id() ||
                                     facts_.identity->agent_version != hello.agent_version())) {
    nacked_digest_.clear();
    rejection_.reset();
  }
  SetIdentity(hello.node(), {{hello.labels().begin(), hello.labels().end()},
                             hello.boot_id(),
                             hello.agent_version(),
                             hello.metrics_address()});
  facts_.connected = true;
  facts_.last_contact = now;
  facts_.applied_digest = hello.applied_digest();
  stream_id_ = stream_id;
  welcomed_ = false;
  ready_ = false;
  unanswered_pings_ = 0;
  target_digest_ = hello.applied_digest();
  pushed_ = false;
  stopwatch_.Stop();
  return std::exchange(link_, std::move(link));
}

void NodeRecord::Disconnect() {
  facts_.connected = false;
  link_.reset();
  welcomed_ = false;
  ready_ = false;
  stopwatch_.Stop();
  // Whoever asked for the name gets it now.
  Clear(kNameInUse);
}

bool NodeRecord::WasDisplaced(const std::string& instance_id) const {
  return facts_.connected && !instance_id.empty() && displaced_instance_id_ == instance_id;
}

void NodeRecord::NoteContact(absl::Time now) {
  facts_.last_contact = now;
  unanswered_pings_ = 0;
}

bool NodeRecord::Raise(absl::string_view type, absl::string_view message, absl::Time now) {
  std::vector<v1::NodeCondition>& conditions = facts_.conditions;
  const auto at = std::lower_bound(conditions.begin(), conditions.end(), type,
                                   [](const v1::NodeCondition& condition, absl::string_view name) {
                                     return condition.type() < name;
                                   });
  if (at != conditions.end() && at->type() == type) {
    if (at->message() == message) return false;
    at->set_message(std::string(message));
    return true;
  }
  v1::NodeCondition condition;
  condition.set_type(std::string(type));
  condition.set_message(std::string(message));
  SetTimestamp(now, condition.mutable_since_time());
  conditions.insert(at, std::move(condition));
  return true;
}

bool NodeRecord::Clear(absl::string_view type) {
  return std::erase_if(facts_.conditions, [type](const v1::NodeCondition& condition) {
           return condition.type() == type;
         }) > 0;
}

void NodeRecord::TakeInventory(std::shared_ptr<const v1::Inventory> inventory) {
  facts_.inventory = std::move(inventory);
}

RecordedReport NodeRecord::TakeReport(std::shared_ptr<const v1::NodeReport> recorded,
                                      absl::Time steady_now) {
  if (IsGivenUp(recorded->state())) return TakeRejection(std::move(recorded));
  const v1::NodeReport& report = *recorded;
  facts_.report = recorded;
  RecordedReport result;
  if (AwaitsConfirmation(report)) result.confirm = link_;
  // Once a node works towards another spec it is no longer at the last one, however that ends:
  // where a failed spec is taken back the way back must be reported too. A refused one was never
  // begun.
  const bool same = report.digest() == facts_.applied_digest;
  if (report.state() == v1::APPLY_STATE_APPLIED) {
    if (IsDesired(report.digest())) stopwatch_.NoteApplied(/*news=*/!same, steady_now);
    facts_.applied_digest = report.digest();
  } else if (same ? report.state() == v1::APPLY_STATE_FAILED
                  : report.state() != v1::APPLY_STATE_REFUSED) {
    facts_.applied_digest.clear();
  }
  if (report.state() == v1::APPLY_STATE_REFUSED && report.digest() == target_digest_) {
    nacked_digest_ = report.digest();
    nack_errors_ = {report.message()};
    if (IsDesired(report.digest())) stopwatch_.NoteRefusal(steady_now);
  }
  // Until something is pushed on this stream, the node knows best what it works towards. Later its
  // reports may be older than the last push.
  if (pushed_ || report.digest() == target_digest_ || report.state() == v1::APPLY_STATE_REFUSED) {
    return result;
  }
  target_digest_ = report.digest();
  result.other_target = true;
  return result;
}

// Beside what it says of the spec that is in force again, which stays the node's report.
RecordedReport NodeRecord::TakeRejection(std::shared_ptr<const v1::NodeReport> report) {
  const std::string& digest = report->digest();
  const bool known = GaveUp(digest) && rejection_->state() == report->state();
  if (facts_.applied_digest == digest) facts_.applied_digest.clear();
  if (IsDesired(digest)) stopwatch_.Stop();
  // A refusal of this one was because of that; one of another spec is so still.
  if (nacked_digest_ == digest) nacked_digest_.clear();
  rejection_ = std::move(report);
  return {.given_up = !known};
}

bool NodeRecord::GaveUp(absl::string_view digest) const {
  return rejection_ != nullptr && rejection_->digest() == digest;
}

bool NodeRecord::IsOfPush(const v1::SpecAck& ack) const {
  return pushed_ && ack.digest() == target_digest_;
}

bool NodeRecord::TakeAck(const v1::SpecAck& ack, absl::Time steady_now) {
  stopwatch_.NoteAck(ack.nonce(), /*refused=*/!ack.errors().empty(), steady_now);
  if (ack.errors().empty()) {
    // Once it has taken another spec, a node would try again one that it gave up.
    rejection_.reset();
    if (nacked_digest_ == ack.digest()) nacked_digest_.clear();
    return false;
  }
  // A spec that was given up is refused when it is pushed again, and still shown as given up.
  if (GaveUp(ack.digest())) return true;
  nacked_digest_ = ack.digest();
  nack_errors_ = {ack.errors().begin(), ack.errors().end()};
  return true;
}

bool NodeRecord::ForgetRejection(const std::string& digest) {
  if (!GaveUp(digest)) return false;
  rejection_.reset();
  if (nacked_digest_ == digest) nacked_digest_.clear();
  // As if it had never been sent.
  if (target_digest_ == digest) target_digest_.clear();
  return true;
}

bool NodeRecord::SetDesired(std::shared_ptr<const Resolution> desired, absl::Time steady_now) {
  const bool same = IsDesired(desired->digest);
  facts_.desired = std::move(desired);
  if (same) return false;
  if (facts_.connected && LacksDesired()) {
    stopwatch_.Want(steady_now);
  } else {
    stopwatch_.Stop();
  }
  return true;
}

bool NodeRecord::IsDesired(absl::string_view digest) const {
  return facts_.desired != nullptr && facts_.desired->digest == digest;
}

bool NodeRecord::LacksDesired() const {
  if (facts_.desired == nullptr) return false;
  const std::string& digest = facts_.desired->digest;
  return digest != target_digest_ && digest != nacked_digest_ && !GaveUp(digest);
}

bool NodeRecord::NeedsPush() const { return ready_ && LacksDesired(); }

SpecPush NodeRecord::TakePush(uint64_t number) {
  target_digest_ = facts_.desired->digest;
  pushed_ = true;
  return {facts_.name, link_, facts_.desired, absl::StrCat(stream_id_, "-", number)};
}

void NodeRecord::NoteHandedOver(const SpecPush& push, absl::Time steady_now) {
  if (push.link != link_ || !IsDesired(push.spec->digest)) return;
  stopwatch_.HandOver(push.nonce, steady_now);
}

}  // namespace hotplugger::server
