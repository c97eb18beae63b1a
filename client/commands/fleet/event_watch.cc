#include "client/commands/fleet/event_watch.h"

#include <algorithm>
#include <cstdint>
#include <set>
#include <utility>

#include "client/commands/fleet/event_view.h"
#include "client/commands/fleet/following.h"
#include "common/proto_time.h"
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
    RETURN_IF_ERROR(PrintKept(query_.limit));
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
  // Those that are kept and come after the last one, the latest last.
  absl::Status PrintKept(int limit) {
    EventQuery query = query_;
    query.limit = limit;
    ASSIGN_OR_RETURN(Events found, FindEvents(query, *session_.fleet, last_));
    if (found.newest > 0 && found.newest < last_) {
      NoteNewNumbers();
      ASSIGN_OR_RETURN(found, FindEvents(query, *session_.fleet));
    }
    follower_.NoteAnswer();
    std::reverse(found.events.begin(), found.events.end());
    for (const v1::Event& event : found.events) {
      listed_.insert(KeyOf(event));
      RETURN_IF_ERROR(Print(event));
    }
    return absl::OkStatus();
  }

  absl::Status Take(const v1::WatchEventsResponse& answer) {
    // Without a token a call tells only what has happened since it began: what came between the
    // list and it is in the list by now, and maybe what it tells next.
    if (request_.resume_token().empty()) RETURN_IF_ERROR(PrintKept(kMaxEvents));
    request_.set_resume_token(answer.resume_token());
    if (answer.missed() > 0) WarnOfMissed(answer.missed());
    const v1::Event& event = answer.event();
    if (!answer.has_event() || !query_.Wants(event) || listed_.count(KeyOf(event)) > 0) {
      return absl::OkStatus();
    }
    if (event.sequence() <= last_) NoteNewNumbers();
    listed_.clear();
    return Print(event);
  }

  // Tells one from another of the same number, which a later start of the controller gave.
  static std::pair<int64_t, absl::Time> KeyOf(const v1::Event& event) {
    return {event.sequence(), ToTime(event.time())};
  }

  void WarnOfMissed(int64_t missed) {
    Flush();
    session_.err << "warning: at most " << missed << (missed == 1 ? " event" : " events")
                 << " before the next one came too fast, or are no longer kept\n";
  }

  // A controller that was started anew remembers none of its events.
  void NoteNewNumbers() {
    last_ = 0;
    listed_.clear();
    Flush();
    session_.err << "the controller was started anew and counts its events from the beginning; "
                    "what happened just before that may be missing\n";
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
  // The sequence of the last one that was printed.
  int64_t last_ = 0;
  // Those that were printed from a list, and may be told once more.
  std::set<std::pair<int64_t, absl::Time>> listed_;
  absl::Status status_;
};

}  // namespace

absl::StatusOr<ExitCode> WatchEvents(const EventQuery& query, Session& session) {
  return EventWatch(query, session).Run();
}

}  // namespace hotplugger::client::fleet
