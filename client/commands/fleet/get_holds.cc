#include <string>
#include <vector>

#include "client/commands/fleet/get_lists.h"
#include "client/list_all.h"
#include "client/text.h"
#include "common/proto_time.h"
#include "common/status_macros.h"

namespace hotplugger::client::fleet {
namespace {

void PrintHolds(const v1::ListHoldsResponse& holds, const GetOptions& options, Session& session) {
  const absl::Time now = session.clock.Now();
  std::vector<std::string> headings = {"NODE",    "SUBJECT", "STATE",  "AGE",
                                       "EXPIRES", "TICKET",  "AUTHOR", "REASON"};
  if (session.wide) headings.emplace_back("ETAG");
  Table table(std::move(headings));
  for (const v1::Hold& hold : holds.holds()) {
    std::vector<std::string> cells = {
        hold.node(),
        hold.subject(),
        ShortEnumName(*v1::DeviceState_descriptor(), hold.state()),
        hold.has_create_time() ? FormatAge(now - ToTime(hold.create_time())) : "",
        hold.has_expire_time() ? FormatUntil(ToTime(hold.expire_time()) - now) : "",
        hold.ticket(),
        hold.author(),
        hold.reason()};
    if (session.wide) cells.push_back(hold.etag());
    table.AddRow(std::move(cells));
  }
  table.Print(session.out, StyleOf(options, session));
}

}  // namespace

absl::Status GetHolds(const GetOptions& options, Session& session) {
  ASSIGN_OR_RETURN(const v1::ListHoldsResponse holds, ListAllHolds(*session.fleet, options.node));
  if (session.format != OutputFormat::kTable) {
    return PrintDocument(holds, session.format, session.out);
  }
  if (session.names_only) {
    for (const v1::Hold& hold : holds.holds()) {
      session.out << "hold/" << Printable(hold.node()) << '/' << Printable(hold.subject()) << '\n';
    }
  } else {
    PrintHolds(holds, options, session);
  }
  return absl::OkStatus();
}

}  // namespace hotplugger::client::fleet
