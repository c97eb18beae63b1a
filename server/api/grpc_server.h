// The controller's gRPC server: its services, health and reflection.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "server/api/call_counters.h"
#include "server/audit/audit_feed.h"
#include "server/fleet/event_log.h"
#include "server/fleet/fleet_engine.h"
#include "server/fleet/node_session.h"

namespace hotplugger::server {

// Safe for concurrent use but for Shutdown, which is for one thread, and none of gRPC's.
class GrpcServer {
 public:
  virtual ~GrpcServer() = default;

  // Where it listens; what port 0 became.
  virtual int port() const = 0;

  // Health answers NOT_SERVING from here on; all else goes on.
  virtual void LeaveService() = 0;

  // Takes no more calls; those that haven't ended after `grace` are cancelled. Returns when all
  // have.
  virtual void Shutdown(absl::Duration grace) = 0;
};

// What the services work with. All of it must outlive the server.
struct GrpcServerParts {
  FleetEngine* engine = nullptr;
  NodeRegistry* registry = nullptr;
  OperationDesk* operations = nullptr;
  FleetCounters* counters = nullptr;
  AgentTotals* totals = nullptr;
  // Made for ServedMethods.
  CallCounters* calls = nullptr;
  ChangeFeed* feed = nullptr;
  EventLog* events = nullptr;
  AuditFeed* audit = nullptr;
  SessionOptions session;
};

// All methods of `services` by their full names. INTERNAL (SERVICE_NOT_DESCRIBED) where the process
// has no description of one.
absl::StatusOr<std::vector<CallCounters::Method>> MethodsOf(absl::Span<const char* const> services);
// All that the server answers, health and reflection among it. As MethodsOf.
absl::StatusOr<std::vector<CallCounters::Method>> ServedMethods();

// Serves on `address` ("HOST:PORT" or "unix:PATH") in plaintext. UNAVAILABLE (reason
// LISTEN_FAILED) where that address can't be had.
absl::StatusOr<std::unique_ptr<GrpcServer>> StartGrpcServer(const std::string& address,
                                                            const GrpcServerParts& parts);

}  // namespace hotplugger::server
