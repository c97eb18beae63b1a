// What operators ask of nodes, and what a node's coming changes.
#pragma once

#include <vector>

#include "absl/status/statusor.h"
#include "hotplugger/v1/explain_service.pb.h"
#include "hotplugger/v1/fleet_service.pb.h"
#include "server/fleet/change.h"
#include "server/fleet/fleet_state.h"

namespace hotplugger::server {

// As fleet_service.proto says. On the engine's thread alone.
class NodeOperations {
 public:
  explicit NodeOperations(FleetState* state) : state_(state) {}

  absl::StatusOr<v1::GetNodeResponse> Get(const v1::GetNodeRequest& request);
  absl::StatusOr<v1::ListNodesResponse> List(const v1::ListNodesRequest& request);
  // As explain_service.proto says, without what the host says.
  absl::StatusOr<v1::ExplainSubjectResponse> Explain(const v1::ExplainSubjectRequest& request);
  // NOT_FOUND; FAILED_PRECONDITION: NODE_CONNECTED, NODE_HAS_HOLDS.
  absl::StatusOr<v1::DeleteNodeResponse> Delete(const v1::DeleteNodeRequest& request,
                                                Change* change);

  // Stores what is new of these streams' nodes, resolves them and opens them for pushes. REQUIRES:
  // no node is there twice.
  void Connected(const std::vector<StreamKey>& streams);

 private:
  FleetState* const state_;
};

// The node as the wire shows it.
v1::Node ToProto(const NodeSnapshot& node, bool summary_only);

}  // namespace hotplugger::server
