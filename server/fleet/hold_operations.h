// What operators do with holds.
#pragma once

#include <set>
#include <string>
#include <tuple>

#include "absl/status/statusor.h"
#include "hotplugger/v1/policy_service.pb.h"
#include "server/fleet/change.h"
#include "server/fleet/fleet_state.h"

namespace hotplugger::server {

// A node can have so many holds.
inline constexpr size_t kMaxHoldsPerNode = 1000;

// Names a hold.
struct HoldKey {
  std::string node;
  std::string subject;

  bool operator<(const HoldKey& other) const {
    return std::tie(node, subject) < std::tie(other.node, other.subject);
  }
};

// As policy_service.proto says; see PolicyOperations for when it answers. On the engine's thread
// alone.
class HoldOperations {
 public:
  explicit HoldOperations(FleetState* state) : state_(state) {}

  // INVALID_ARGUMENT with every violation. NOT_FOUND: NODE_NOT_FOUND, DEVICE_NOT_FOUND,
  // DRIVER_NOT_REGISTERED. FAILED_PRECONDITION: NOT_HOTPLUGGABLE, LAST_ONLINE_CPU,
  // SPEC_TOO_LARGE. ABORTED: ETAG_MISMATCH. RESOURCE_EXHAUSTED: TOO_MANY_HOLDS. A driver held
  // running replaces the node's other drivers held running.
  absl::StatusOr<v1::SetHoldResponse> Set(const v1::SetHoldRequest& request, Change* change);
  // NOT_FOUND: HOLD_NOT_FOUND. ABORTED: ETAG_MISMATCH.
  absl::StatusOr<v1::ReleaseHoldResponse> Release(const v1::ReleaseHoldRequest& request,
                                                  Change* change);
  absl::StatusOr<v1::ListHoldsResponse> List(const v1::ListHoldsRequest& request);

  // Holds whose time is over.
  std::set<HoldKey> FindLapsed() const;
  // Releases one of them.
  absl::Status Lapse(const HoldKey& key, Change* change);

 private:
  FleetState* const state_;
};

// "nodes/NODE/holds/SUBJECT".
std::string HoldResource(const std::string& node, const std::string& subject);

}  // namespace hotplugger::server
