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

// The error of a call that nobody has got.
absl::Status NotTaken(const Peer& peer);

// The error of a call that was under way as the connection ended, with `status`.
absl::Status ConnectionLost(const Peer& peer, const grpc::Status& status);

// The error of a call to `peer`: its own with all details; where there was nobody to answer, what
// was tried and what to do. REQUIRES: not ok.
absl::Status DescribeCallError(const grpc::Status& status, const Peer& peer);

// The same of one of which it is known whether it `was_sent`.
absl::Status DescribeCallError(const grpc::Status& status, const Peer& peer, bool was_sent);

// Calls `method` and waits for the answer; `describe` makes an error of how it ended.
template <typename Stub, typename Request, typename Response, typename Describe>
absl::StatusOr<Response> Call(Stub& stub,
                              grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                                           Response*),
                              const Request& request, const Peer& peer, const Describe& describe) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() +
                       absl::ToChronoMicroseconds(peer.call_timeout));
  Response response;
  const grpc::Status status = (stub.*method)(&context, request, &response);
  if (!status.ok()) return describe(status);
  return response;
}

template <typename Stub, typename Request, typename Response>
absl::StatusOr<Response> Call(Stub& stub,
                              grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                                           Response*),
                              const Request& request, const Peer& peer) {
  return Call(stub, method, request, peer,
              [&peer](const grpc::Status& status) { return DescribeCallError(status, peer); });
}

}  // namespace hotplugger::client
