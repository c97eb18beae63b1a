#include "server/api/plan_service.h"

#include "server/api/plan_stream.h"

namespace hotplugger::server {

grpc::ServerWriteReactor<v1::PlanChangeResponse>* PlanService::PlanChange(
    grpc::CallbackServerContext* /*context*/, const v1::PlanChangeRequest* request) {
  return PlanStream::Start(*request, engine_, nodes_, calls_);
}

}  // namespace hotplugger::server
