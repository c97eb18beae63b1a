#pragma once

#include <grpcpp/support/server_callback.h>

#include <cstdint>

#include "absl/status/statusor.h"
#include "hotplugger/v1/event_service.grpc.pb.h"
#include "server/api/event_watch.h"
#include "server/fleet/event_log.h"

namespace hotplugger::server {

// What happened in the fleet. The log must outlive the server.
class EventService final : public v1::EventService::CallbackService {
 public:
  EventService(EventLog* events, uint64_t epoch) : events_(events), epoch_(epoch) {}

  grpc::ServerUnaryReactor* ListEvents(grpc::CallbackServerContext* context,
                                       const v1::ListEventsRequest* request,
                                       v1::ListEventsResponse* response) override;
  grpc::ServerWriteReactor<v1::WatchEventsResponse>* WatchEvents(
      grpc::CallbackServerContext* context, const v1::WatchEventsRequest* request) override;

  // Ends all watches, and lets no further one begin.
  void CloseAll(const absl::Status& status) { watches_.CloseAll(status); }

 private:
  absl::StatusOr<v1::ListEventsResponse> List(const v1::ListEventsRequest& request) const;

  EventLog* const events_;
  const uint64_t epoch_;
  Watches watches_{"events"};
};

}  // namespace hotplugger::server
