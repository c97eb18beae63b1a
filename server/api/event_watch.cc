#include "server/api/event_watch.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "common/error_info.h"
#include "common/status_macros.h"
#include "server/api/resume_token.h"
#include "server/fleet/log_filters.h"

namespace hotplugger::server {

EventWatch* EventWatch::Start(const v1::WatchEventsRequest& request, EventLog* events,
                              uint64_t epoch, Watches* watches) {
  const std::shared_ptr<EventWatch> stream(new EventWatch(events, epoch, watches));
  Hold(stream);
  Begin(stream, stream->Read(request), events);
  return stream.get();
}

absl::Status EventWatch::Read(const v1::WatchEventsRequest& request) {
  Violations violations;
  CheckFilter(request.filter(), &violations);
  RETURN_IF_ERROR(MakeFieldErrors(violations));
  filter_ = request.filter();
  MutexLock lock(&mutex_);
  after_ = events_->last_sequence();
  if (request.resume_token().empty()) {
    token_due_ = true;
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(const ResumeToken token, ParseResumeToken(request.resume_token()));
  // Of another start of the controller: all since this one's.
  after_ = token.epoch == epoch_ ? std::min(token.position, after_) : 0;
  return absl::OkStatus();
}

EventWatch::Next EventWatch::NextLocked(v1::WatchEventsResponse* response) {
  // Whoever is told of no event before the call breaks can go on all the same.
  if (std::exchange(token_due_, false)) {
    response->set_resume_token(FormatResumeToken({epoch_, after_}));
    return Next::kAnswer;
  }
  const EventLog::Found found = events_->Next(after_, filter_);
  after_ = found.looked;
  missed_ += found.missed;
  if (found.event == nullptr) return Next::kNotYet;
  *response->mutable_event() = *found.event;
  response->set_resume_token(FormatResumeToken({epoch_, after_}));
  response->set_missed(std::exchange(missed_, 0));
  return Next::kAnswer;
}

}  // namespace hotplugger::server
