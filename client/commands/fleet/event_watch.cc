#include "client/commands/fleet/event_watch.h"

#include <algorithm>
#include <cstdint>
#include <limits>

#include "client/commands/fleet/event_view.h"
#include "client/commands/fleet/following.h"
#include "common/status_macros.h"

namespace hotplugger::client::fleet {
namespace {

// One `hotplugctl events --watch`.
class EventWatch {
 public:
  EventWatch(const EventQuery& query, Session& session)
      : query_(query), session_(session), table_(EventTable(session)), follower_(session) {
    *request_.mutable_filter() = query.filter;
  }

  absl::StatusOr<ExitCode> Run() {
    RETURN_IF_ERROR(PrintKept(query_.limit, std::numeric_limits<int64_t>::max()));
    Flush();
    absl::Status ended = follower_.Run([this](const FleetClient::WatchEnd& end) {
      return session_.fleet->WatchEvents(
          request_,
          [this](const v1::WatchEventsResponse& answer) {
            follower_.NoteAnswer();
            status_.Update(Take(answer));
            Flush();
            return status_.ok() && session_.out.good();
          },
          end);
    });
    ended.Update(status_);
    return EndWatch(NameEventFlags(ended), session_);
  }

 private:
  // Those that are kept, after the last one printed and before `before`, the latest last.
  absl::Status PrintKept(int limit, int64_t before) {
    EventQuery query = query_;
    query.limit = limit;
    ASSIGN_OR_RETURN(Events found, FindEvents(query, *session_.fleet));
    follower_.NoteAnswer();
    std::reverse(found.events.begin(), found.events.end());
    for (const v1::Event& event : found.events) {
      if (event.sequence() > last_ && event.sequence() < before) RETURN_IF_ERROR(Print(event));
    }
    return absl::OkStatus();
  }

  absl::Status Take(const v1::WatchEventsResponse& answer) {
    const int64_t sequence = answer.event().sequence();
    // Without a token a call tells only what has happened since it began: what came between it and
    // the list is in the list by now.
    if (request_.resume_token().empty() && sequence > last_ + 1) {
      RETURN_IF_ERROR(PrintKept(kMaxEvents, sequence));
    }
    request_.set_resume_token(answer.resume_token());
    if (answer.missed() > 0) {
      Flush();
      session_.err << "warning: " << answer.missed()
                   << (answer.missed() == 1 ? " event" : " events")
                   << " before the next one came too fast, or are no longer kept\n";
    }
    if (!answer.has_event() || !query_.Wants(answer.event())) return absl::OkStatus();
    return Print(answer.event());
  }

  absl::Status Print(const v1::Event& event) {
    last_ = event.sequence();
    if (session_.format != OutputFormat::kTable) {
      return PrintStreamed(event, session_.format, session_.out);
    }
    if (session_.names_only) {
      PrintEventName(event, session_.out);
    } else {
      AddEvent(event, session_, &table_);
    }
    return absl::OkStatus();
  }

  void Flush() {
    if (session_.format == OutputFormat::kTable && !session_.names_only) {
      table_.PrintNew(session_.out, EventStyle(session_));
    }
    // Whoever reads this waits for it.
    session_.out.flush();
  }

  const EventQuery& query_;
  Session& session_;
  Table table_;
  Follower follower_;
  v1::WatchEventsRequest request_;
  // The sequence of the one that was printed last.
  int64_t last_ = 0;
  absl::Status status_;
};

}  // namespace

absl::StatusOr<ExitCode> WatchEvents(const EventQuery& query, Session& session) {
  return EventWatch(query, session).Run();
}

}  // namespace hotplugger::client::fleet
