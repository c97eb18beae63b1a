// One unary call with a deadline, and its error in words that help.
#pragma once

#include <grpcpp/client_context.h>
#include <grpcpp/support/status.h>

#include <chrono>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace hotplugger::client {

// Whom calls go to.
struct Peer {
  // "the controller" or "the agent".
  std::string who;
  std::string address;
  // What a person does where it can't be reached.
  std::string fix;
  absl::Duration call_timeout;
  // What a person does where no answer came in time.
  std::string late_fix = "a longer --timeout waits longer";
};

// The error of a call to `peer`: its own with all details; where there was nobody to answer, what
// was tried and what to do. REQUIRES: not ok.
absl::Status DescribeCallError(const grpc::Status& status, const Peer& peer);

// Calls `method` and waits for the answer.
template <typename Stub, typename Request, typename Response>
absl::StatusOr<Response> Call(Stub& stub,
                              grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                                           Response*),
                              const Request& request, const Peer& peer) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() +
                       absl::ToChronoMicroseconds(peer.call_timeout));
  Response response;
  const grpc::Status status = (stub.*method)(&context, request, &response);
  if (!status.ok()) return DescribeCallError(status, peer);
  return response;
}

}  // namespace hotplugger::client
