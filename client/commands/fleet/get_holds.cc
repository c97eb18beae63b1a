#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/commands/fleet/get_lists.h"
#include "client/commands/fleet/list_watch.h"
#include "client/list_all.h"
#include "client/list_filter.h"
#include "client/text.h"
#include "common/proto_time.h"
#include "common/status_macros.h"

namespace hotplugger::client::fleet {
namespace {

Table HoldTable(const Session& session) {
  std::vector<std::string> headings = {"NODE",    "SUBJECT", "STATE",  "AGE",
                                       "EXPIRES", "TICKET",  "AUTHOR", "REASON"};
  if (session.wide) headings.emplace_back("ETAG");
  return Table(std::move(headings));
}

void AddRow(const v1::Hold& hold, const Session& session, Table* table) {
  const absl::Time now = session.clock.Now();
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
  table->AddRow(std::move(cells));
}

std::string NameOf(const v1::Hold& hold) { return absl::StrCat(hold.node(), "/", hold.subject()); }

}  // namespace

absl::Status GetHolds(const GetOptions& options, Session& session) {
  ASSIGN_OR_RETURN(const v1::ListHoldsResponse holds, ListAllHolds(*session.fleet, options.holds));
  if (session.format != OutputFormat::kTable) {
    return PrintDocument(holds, session.format, session.out);
  }
  if (session.names_only) {
    for (const v1::Hold& hold : holds.holds()) {
      session.out << "hold/" << Printable(NameOf(hold)) << '\n';
    }
    return absl::OkStatus();
  }
  Table table = HoldTable(session);
  for (const v1::Hold& hold : holds.holds()) AddRow(hold, session, &table);
  table.Print(session.out, StyleOf(options, session));
  return absl::OkStatus();
}

absl::StatusOr<ExitCode> WatchHolds(const GetOptions& options, Session& session) {
  WatchedKind kind = {v1::WatchFleetRequest::KIND_HOLDS, "hold"};
  kind.name = [](const WatchedItem& item) { return NameOf(item.hold()); };
  kind.message = [](const WatchedItem& item) -> const auto& { return item.hold(); };
  kind.wants = [&](const WatchedItem& item) { return MatchesFilter(options.holds, item.hold()); };
  kind.table = [&session] { return HoldTable(session); };
  kind.add_row = [&session](const WatchedItem& item, Table* table) {
    AddRow(item.hold(), session, table);
  };
  kind.add_gone = [&session](const WatchedItem& item, Table* table) {
    std::vector<std::string> cells = {
        item.hold().node(), item.hold().subject(), "released", "", "", "", "", ""};
    if (session.wide) cells.emplace_back();
    table->AddRow(std::move(cells));
  };
  kind.mark = [](const WatchedItem& item) { return item.hold().etag(); };
  return WatchList(kind, options, session);
}

}  // namespace hotplugger::client::fleet
