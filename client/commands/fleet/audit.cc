#include "client/commands/fleet/audit_query.h"
#include "client/commands/fleet/audit_view.h"
#include "client/commands/fleet/audit_watch.h"
#include "client/commands/fleet/verbs.h"
#include "common/status_macros.h"

namespace hotplugger::client::fleet {
namespace {

absl::Status PrintList(const AuditEntries& found, Session& session) {
  if (session.format != OutputFormat::kTable) {
    v1::ListAuditEntriesResponse response;
    response.mutable_entries()->Add(found.entries.begin(), found.entries.end());
    return PrintDocument(response, session.format, session.out);
  }
  if (session.names_only) {
    for (const v1::AuditEntry& entry : found.entries) PrintAuditName(entry, session.out);
    return absl::OkStatus();
  }
  Table table = AuditTable(session);
  for (const v1::AuditEntry& entry : found.entries) AddAuditEntry(entry, session, &table);
  table.Print(session.out, AuditStyle(session));
  return absl::OkStatus();
}

absl::StatusOr<ExitCode> Audit(const AuditOptions& options, Session& session) {
  ASSIGN_OR_RETURN(const AuditQuery query, MakeAuditQuery(options, session.clock.Now()));
  if (options.watch) return WatchAudit(query, session);
  ASSIGN_OR_RETURN(const AuditEntries found, FindAuditEntries(query, *session.fleet));
  RETURN_IF_ERROR(PrintList(found, session));
  if (found.cut) {
    session.err << "there are older entries; --limit " << query.limit << " left them out\n";
  }
  return ExitCode::kOk;
}

}  // namespace

Action DeclareAudit(Arguments& arguments) {
  auto options = DeclareAuditOptions(arguments);
  return [options](Session& session) { return Audit(*options, session); };
}

}  // namespace hotplugger::client::fleet
