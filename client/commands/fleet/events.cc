
#include "client/commands/fleet/event_query.h"
#include "client/commands/fleet/event_view.h"
#include "client/commands/fleet/event_watch.h"
#include "client/commands/fleet/verbs.h"
#include "common/status_macros.h"

namespace hotplugger::client::fleet {
namespace {

absl::Status PrintList(const Events& found, Session& session) {
  if (session.format != OutputFormat::kTable) {
    v1::ListEventsResponse response;
    response.mutable_events()->Add(found.events.begin(), found.events.end());
    return PrintDocument(response, session.format, session.out);
  }
  Table table = EventTable(session);
  // The latest last: that is where a person looks first.
  for (auto event = found.events.rbegin(); event != found.events.rend(); ++event) {
    if (session.names_only) {
      PrintEventName(*event, session.out);
    } else {
      AddEvent(*event, session, &table);
    }
  }
  if (!session.names_only) table.Print(session.out, EventStyle(session));
  return absl::OkStatus();
}

absl::StatusOr<ExitCode> ShowEvents(const EventOptions& options, Session& session) {
  ASSIGN_OR_RETURN(const EventQuery query, MakeEventQuery(options, session.clock.Now()));
  if (options.watch) return WatchEvents(query, session);
  ASSIGN_OR_RETURN(const Events found, FindEvents(query, *session.fleet));
  RETURN_IF_ERROR(PrintList(found, session));
  if (found.cut) {
    session.err << "there are older events; --limit " << query.limit << " left them out\n";
  }
  return ExitCode::kOk;
}

}  // namespace

Action DeclareEvents(Arguments& arguments) {
  auto options = DeclareEventOptions(arguments);
  return [options](Session& session) { return ShowEvents(*options, session); };
}

}  // namespace hotplugger::client::fleet
