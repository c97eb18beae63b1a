#include "client/commands/fleet/event_view.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/text.h"
#include "common/proto_time.h"

namespace hotplugger::client::fleet {
namespace {

constexpr size_t kSeverity = 1;

}  // namespace

Table EventTable(const Session& session) {
  std::vector<std::string> headings = {"AGE", "SEVERITY", "TYPE", "ABOUT", "MESSAGE"};
  if (session.wide) headings.insert(headings.end(), {"TIME", "SEQUENCE"});
  return Table(std::move(headings));
}

void AddEvent(const v1::Event& event, const Session& session, Table* table) {
  std::vector<std::string> cells = {
      event.has_time() ? FormatAge(session.clock.Now() - ToTime(event.time())) : "",
      ShortEnumName(*v1::EventSeverity_descriptor(), event.severity()), event.type(),
      event.resource(), event.message()};
  if (session.wide) {
    cells.push_back(event.has_time() ? absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", ToTime(event.time()),
                                                        absl::UTCTimeZone())
                                     : "");
    cells.push_back(absl::StrCat(event.sequence()));
  }
  const bool is_warning = event.severity() == v1::EVENT_SEVERITY_WARNING;
  table->AddRow(std::move(cells), {{kSeverity, is_warning ? Tone::kWarning : Tone::kPlain}});
}

TableStyle EventStyle(const Session& session) {
  return {/*indent=*/0, /*headings=*/true, session.colours};
}

void PrintEventName(const v1::Event& event, std::ostream& out) {
  out << "event/" << event.sequence() << '\n';
}

}  // namespace hotplugger::client::fleet
