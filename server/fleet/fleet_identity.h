// Which fleet a controller leads, and by which of its starts: tells a store that was lost, or an
// older copy that has gone its own way, from the one that the agents know (DESIGN 12).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "hotplugger/v1/controller_state.pb.h"
#include "hotplugger/v1/link.pb.h"

namespace hotplugger::server {

// A person's word that this store is to lead a fleet whose own one is lost.
struct TakeOver {
  std::string fleet_id;
  // The largest that an agent of the fleet has obeyed.
  uint64_t epoch = 0;
};

// "FLEET@EPOCH", as a refusal names it.
absl::StatusOr<TakeOver> ParseTakeOver(absl::string_view text);

// What the store keeps once the controller has started again: one more start, of the next epoch. A
// take-over that has been carried out changes nothing, so that it may stay on the command line.
// `store_revision` is the store's before that, `new_id` gives random ids.
v1::StoreIdentity NextStart(v1::StoreIdentity before, const std::optional<TakeOver>& take_over,
                            int64_t store_revision, const std::function<std::string()>& new_id);

// What the store keeps instead where that start came to nothing: `before` without it, but for the
// revision at which it began, so that an older copy doesn't gain on the fleet by being tried.
v1::StoreIdentity WithoutStart(v1::StoreIdentity before, const v1::StoreIdentity& started);

// Never changes, and so is safe for concurrent use.
class FleetIdentity {
 public:
  // REQUIRES: it comes from NextStart.
  explicit FleetIdentity(v1::StoreIdentity identity) : identity_(std::move(identity)) {}

  const std::string& fleet_id() const { return identity_.fleet_id(); }
  uint64_t epoch() const { return identity_.starts().rbegin()->epoch(); }
  const std::string& epoch_id() const { return identity_.starts().rbegin()->epoch_id(); }

  // Whether an agent that has obeyed what `hello` says may obey this controller.
  // FAILED_PRECONDITION: FLEET_MISMATCH, EPOCH_BEHIND (this store is older than the fleet), or
  // STORE_FORKED (it has gone its own way since the agent's controller started, or since the
  // agent's spec was pushed).
  absl::Status CheckObeyed(const v1::Hello& hello) const;

 private:
  // Whether the store, or one that it has taken over from, was of this fleet.
  bool IsOwnFleet(const std::string& fleet_id) const;
  bool HasStart(uint64_t epoch, absl::string_view epoch_id) const;
  // Whether the agent's spec was pushed by what a later start of this store didn't find in it.
  bool LacksSpecOf(const v1::Hello& hello) const;

  const v1::StoreIdentity identity_;
};

}  // namespace hotplugger::server
