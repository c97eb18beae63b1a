#pragma once

#include <grpcpp/support/server_callback.h>

#include "hotplugger/v1/watch_service.grpc.pb.h"
#include "server/api/fleet_watch.h"

namespace hotplugger::server {

// Watches of the fleet. All parts must outlive the server.
class WatchService final : public v1::WatchService::CallbackService {
 public:
  WatchService(ChangeFeed* feed, NodeRegistry* registry, uint64_t epoch)
      : feed_(feed), registry_(registry), epoch_(epoch) {}

  grpc::ServerWriteReactor<v1::WatchFleetResponse>* WatchFleet(
      grpc::CallbackServerContext* /*context*/, const v1::WatchFleetRequest* request) override {
    return FleetWatch::Start(*request, feed_, registry_, epoch_, &watches_);
  }

  // Ends all of them, and lets no further one begin.
  void CloseAll(const absl::Status& status) { watches_.CloseAll(status); }

 private:
  ChangeFeed* const feed_;
  NodeRegistry* const registry_;
  const uint64_t epoch_;
  Watches watches_{"the fleet"};
};

}  // namespace hotplugger::server
