#include "server/fleet/fleet_identity.h"

#include <algorithm>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/error_info.h"
#include "common/random_id.h"

namespace hotplugger::server {
namespace {

constexpr int kMaxStarts = 4096;
// Far more than any controller starts, and far from the end of the numbers.
constexpr uint64_t kMaxEpoch = uint64_t{1} << 48;

// So long a node that is turned away waits before it asks again: a person has to act first.
constexpr absl::Duration kRetryDelay = absl::Seconds(60);

// What a person can do about an agent that knows another store.
std::string WayOut(const v1::Hello& hello) {
  if (hello.fleet_id().empty()) return "Restore the store that the fleet knows";
  return absl::StrCat(
      "Restore the store that the fleet knows. If it is lost, bring this one's policies and holds "
      "to what the fleet is to be, and start the controller once with --take-over=",
      hello.fleet_id(), "@", hello.largest_epoch(),
      " (of all nodes that are turned away, with the largest epoch). Until then the node keeps "
      "what it has");
}

absl::Status Refuse(const v1::Hello& hello, absl::string_view reason, const std::string& why) {
  return WithRetryDelay(
      MakeError(absl::StatusCode::kFailedPrecondition, reason,
                absl::StrCat("node ", hello.node(), " ", why, ". ", WayOut(hello)),
                {{"node", hello.node()},
                 {"fleet_id", hello.fleet_id()},
                 {"largest_epoch", absl::StrCat(hello.largest_epoch())}}),
      kRetryDelay);
}

uint64_t LastEpoch(const v1::StoreIdentity& identity) {
  return identity.starts().empty() ? 0 : identity.starts().rbegin()->epoch();
}

void CarryOut(const TakeOver& take_over, v1::StoreIdentity* identity) {
  const bool done = identity->fleet_id() == take_over.fleet_id &&
                    identity->trusted_before_epoch() > take_over.epoch;
  if (done) return;
  if (!identity->fleet_id().empty() && identity->fleet_id() != take_over.fleet_id) {
    identity->add_former_fleet_ids(identity->fleet_id());
  }
  identity->set_fleet_id(take_over.fleet_id);
  identity->set_trusted_before_epoch(std::max(LastEpoch(*identity), take_over.epoch) + 1);
  identity->clear_starts();
}

}  // namespace

absl::StatusOr<TakeOver> ParseTakeOver(absl::string_view text) {
  const std::pair<std::string, std::string> parts = absl::StrSplit(text, absl::MaxSplits('@', 1));
  TakeOver take_over;
  take_over.fleet_id = parts.first;
  if (!IsRandomId(take_over.fleet_id) || !absl::SimpleAtoi(parts.second, &take_over.epoch) ||
      take_over.epoch > kMaxEpoch) {
    return MakeFieldErrors(
        {{"--take-over", absl::StrCat("\"", absl::CHexEscape(text.substr(0, 100)),
                                      "\" is not FLEET@EPOCH, 32 lower-case hex digits and a "
                                      "number, as the error says that turns a node away")}});
  }
  return take_over;
}

v1::StoreIdentity NextStart(v1::StoreIdentity before, const std::optional<TakeOver>& take_over,
                            int64_t store_revision, const std::function<std::string()>& new_id) {
  v1::StoreIdentity identity = std::move(before);
  if (take_over) CarryOut(*take_over, &identity);
  if (identity.fleet_id().empty()) identity.set_fleet_id(new_id());
  v1::ControllerStart start;
  start.set_epoch(
      std::max(LastEpoch(identity) + 1, std::max<uint64_t>(identity.trusted_before_epoch(), 1)));
  start.set_epoch_id(new_id());
  start.set_store_revision(identity.has_unserved_revision()
                               ? std::min(store_revision, identity.unserved_revision())
                               : store_revision);
  identity.clear_unserved_revision();
  *identity.add_starts() = std::move(start);
  // What is forgotten is not trusted: an older copy could be started until all is.
  const int surplus = identity.starts_size() - kMaxStarts;
  if (surplus > 0) identity.mutable_starts()->DeleteSubrange(0, surplus);
  return identity;
}

v1::StoreIdentity WithoutStart(v1::StoreIdentity before, const v1::StoreIdentity& started) {
  before.set_unserved_revision(started.starts().rbegin()->store_revision());
  return before;
}

bool FleetIdentity::IsOwnFleet(const std::string& id) const {
  const auto& former = identity_.former_fleet_ids();
  return id.empty() || id == fleet_id() ||
         std::find(former.begin(), former.end(), id) != former.end();
}

bool FleetIdentity::LacksSpecOf(const v1::Hello& hello) const {
  const auto next = std::find_if(
      identity_.starts().begin(), identity_.starts().end(),
      [&hello](const v1::ControllerStart& start) { return start.epoch() > hello.spec_epoch(); });
  return hello.spec_epoch() >= identity_.trusted_before_epoch() && hello.spec_epoch() > 0 &&
         next != identity_.starts().end() && hello.spec_store_revision() > next->store_revision();
}

bool FleetIdentity::HasStart(uint64_t epoch, absl::string_view epoch_id) const {
  return std::any_of(identity_.starts().begin(), identity_.starts().end(),
                     [&](const v1::ControllerStart& start) {
                       return start.epoch() == epoch && start.epoch_id() == epoch_id;
                     });
}

absl::Status FleetIdentity::CheckObeyed(const v1::Hello& hello) const {
  if (!IsOwnFleet(hello.fleet_id())) {
    return Refuse(
        hello, "FLEET_MISMATCH",
        absl::StrCat("belongs to fleet ", hello.fleet_id(), ", and this controller leads fleet ",
                     fleet_id(), ". If the host is to change fleets, start its agent with --fleet=",
                     fleet_id(), ". Else this controller's store was lost"));
  }
  if (hello.largest_epoch() > epoch()) {
    return Refuse(hello, "EPOCH_BEHIND",
                  absl::StrCat("has obeyed a controller of epoch ", hello.largest_epoch(),
                               ", and this one's is ", epoch(),
                               ": another controller leads the fleet, to which the agent is to be "
                               "pointed, or this one's store is older than the fleet"));
  }
  // One without the id of an epoch has obeyed nobody yet, or has but joined the fleet (--fleet).
  if (hello.epoch_id().empty() || hello.largest_epoch() < identity_.trusted_before_epoch()) {
    return absl::OkStatus();
  }
  if (!HasStart(hello.largest_epoch(), hello.epoch_id())) {
    return Refuse(hello, "STORE_FORKED",
                  absl::StrCat("has obeyed a controller of epoch ", hello.largest_epoch(),
                               " of this fleet that is none of this store's last ", kMaxStarts,
                               " starts: the store is a copy that was older than the fleet when "
                               "its controller started, or the node was away for longer"));
  }
  if (LacksSpecOf(hello)) {
    return Refuse(
        hello, "STORE_FORKED",
        absl::StrCat("has a spec that was decided by revision ", hello.spec_store_revision(),
                     " of the fleet's store, which this store had not reached when its "
                     "controller started again: it is an older copy"));
  }
  return absl::OkStatus();
}

}  // namespace hotplugger::server
