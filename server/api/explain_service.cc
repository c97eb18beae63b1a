#include "server/api/explain_service.h"

#include <utility>

#include "absl/strings/match.h"
#include "common/transport/grpc_status.h"

namespace hotplugger::server {
namespace {

// For the host's part: it is given without, where the host is busy for longer.
constexpr absl::Duration kHostDeadline = absl::Seconds(10);

// A driver is explained from the inventory, and a core has no name of the kernel's.
bool IsDevice(const std::string& subject) {
  return !absl::StartsWith(subject, "driver/") && !absl::StartsWith(subject, "core/");
}

}  // namespace

grpc::ServerUnaryReactor* ExplainService::ExplainSubject(grpc::CallbackServerContext* context,
                                                         const v1::ExplainSubjectRequest* request,
                                                         v1::ExplainSubjectResponse* response) {
  grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
  engine_->ExplainSubject(
      *request, [this, reactor, response](absl::StatusOr<v1::ExplainSubjectResponse> explained) {
        if (!explained.ok()) return reactor->Finish(ToGrpcStatus(explained.status()));
        *response = *std::move(explained);
        if (!IsDevice(response->subject())) return reactor->Finish(grpc::Status::OK);
        v1::Operation operation;
        operation.mutable_explain_device()->set_device(response->subject());
        nodes_->Ask(response->node(), operation, kHostDeadline,
                    [reactor, response](v1::OperationResult result) {
                      if (result.has_explain_device()) {
                        *response->mutable_host() = std::move(*result.mutable_explain_device());
                      } else {
                        *response->mutable_host_error() = result.error();
                      }
                      reactor->Finish(grpc::Status::OK);
                    });
      });
  return reactor;
}

}  // namespace hotplugger::server
