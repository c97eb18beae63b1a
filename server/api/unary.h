// The one way in which a unary call is answered from the engine's thread.
#pragma once

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include <utility>

#include "absl/status/statusor.h"
#include "common/transport/grpc_status.h"
#include "server/fleet/change.h"

namespace hotplugger::server {

// Hands the work to `engine`, whose `method` takes a request and a callback that gets the answer.
// gRPC keeps `response` until Finish.
template <typename Engine, typename Method, typename Request, typename Response>
grpc::ServerUnaryReactor* AnswerFrom(Engine* engine, Method method,
                                     grpc::CallbackServerContext* context, const Request* request,
                                     Response* response) {
  grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
  (engine->*method)(*request, [reactor, response](absl::StatusOr<Response> answer) {
    if (answer.ok()) *response = *std::move(answer);
    reactor->Finish(ToGrpcStatus(answer.status()));
  });
  return reactor;
}

// The same of a request that changes something: `method` takes who asks, too.
template <typename Engine, typename Method, typename Request, typename Response>
grpc::ServerUnaryReactor* ChangeBy(Engine* engine, Method method,
                                   grpc::CallbackServerContext* context, const Request* request,
                                   Response* response) {
  grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
  (engine->*method)(*request, Caller{.peer = context->peer(), .identity = ""},
                    [reactor, response](absl::StatusOr<Response> answer) {
                      if (answer.ok()) *response = *std::move(answer);
                      reactor->Finish(ToGrpcStatus(answer.status()));
                    });
  return reactor;
}

}  // namespace hotplugger::server
