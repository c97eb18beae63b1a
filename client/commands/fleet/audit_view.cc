#include "client/commands/fleet/audit_view.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/error_info.h"
#include "common/proto_time.h"
#include "common/rpc_status.h"

namespace hotplugger::client::fleet {
namespace {

constexpr size_t kResultColumn = 3;

// Who has shown to be who, else who says to be, else where it came from.
std::string Who(const v1::AuditEntry& entry) {
  if (!entry.identity().empty()) return entry.identity();
  return entry.note().author().empty() ? entry.peer() : entry.note().author();
}

// "ok", or the error's reason, or its code where it has none.
std::string Result(const v1::AuditEntry& entry) {
  const absl::Status status = FromRpcStatus(entry.status());
  if (status.ok()) return "ok";
  const std::string reason = ErrorReason(status);
  return reason.empty() ? absl::StatusCodeToString(status.code()) : reason;
}

}  // namespace

Table AuditTable(const Session& session) {
  std::vector<std::string> headings = {"TIME", "WHO", "WHAT", "RESULT"};
  if (session.wide) headings.insert(headings.end(), {"SUMMARY", "REASON", "TICKET", "PEER"});
  return Table(std::move(headings));
}

void AddAuditEntry(const v1::AuditEntry& entry, const Session& session, Table* table) {
  std::vector<std::string> cells = {
      entry.has_time()
          ? absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", ToTime(entry.time()), absl::UTCTimeZone())
          : "",
      Who(entry), absl::StrCat(entry.method(), " ", entry.resource()), Result(entry)};
  if (session.wide) {
    // Of what was refused there is no summary, but a message.
    cells.insert(cells.end(), {entry.summary().empty() ? entry.status().message() : entry.summary(),
                               entry.note().reason(), entry.note().ticket(), entry.peer()});
  }
  table->AddRow(std::move(cells),
                {{kResultColumn, entry.status().code() == 0 ? Tone::kPlain : Tone::kBad}});
}

TableStyle AuditStyle(const Session& session) {
  return {/*indent=*/0, /*headings=*/true, session.colours};
}

void PrintAuditName(const v1::AuditEntry& entry, std::ostream& out) {
  out << "audit/" << entry.sequence() << '\n';
}

}  // namespace hotplugger::client::fleet
