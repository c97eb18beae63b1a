#include "server/api/event_service.h"

#include <limits>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/error_info.h"
#include "common/status_macros.h"
#include "common/transport/grpc_status.h"
#include "server/fleet/log_filters.h"
#include "server/fleet/pagination.h"

namespace hotplugger::server {

grpc::ServerUnaryReactor* EventService::ListEvents(grpc::CallbackServerContext* context,
                                                   const v1::ListEventsRequest* request,
                                                   v1::ListEventsResponse* response) {
  grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
  absl::StatusOr<v1::ListEventsResponse> answer = List(*request);
  if (answer.ok()) *response = *std::move(answer);
  reactor->Finish(ToGrpcStatus(answer.status()));
  return reactor;
}

absl::StatusOr<v1::ListEventsResponse> EventService::List(
    const v1::ListEventsRequest& request) const {
  Violations violations;
  CheckFilter(request.filter(), &violations);
  RETURN_IF_ERROR(MakeFieldErrors(violations));
  // Sequences begin anew with each start.
  ASSIGN_OR_RETURN(Page page,
                   Page::Parse(request.page_size(), request.page_token(),
                               absl::StrCat(epoch_, " ", ScopeOf("ListEvents", request.filter()))));
  ASSIGN_OR_RETURN(const int64_t before, StartNumber(page, std::numeric_limits<int64_t>::max()));
  // One more shows whether this is the last page.
  const std::vector<EventLog::EventPointer> events =
      events_->List(request.filter(), before, page.left() + 1);
  v1::ListEventsResponse response;
  for (const EventLog::EventPointer& event : events) {
    if (!page.Take(event->ByteSizeLong())) {
      response.set_next_page_token(page.TokenAfter(absl::StrCat(event->sequence() + 1)));
      break;
    }
    *response.add_events() = *event;
  }
  return response;
}

grpc::ServerWriteReactor<v1::WatchEventsResponse>* EventService::WatchEvents(
    grpc::CallbackServerContext* /*context*/, const v1::WatchEventsRequest* request) {
  return EventWatch::Start(*request, events_, epoch_, &watches_);
}

}  // namespace hotplugger::server
