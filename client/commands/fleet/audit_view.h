// How entries of the audit log are shown.
#pragma once

#include "client/command.h"
#include "hotplugger/v1/audit.pb.h"

namespace hotplugger::client::fleet {

// TIME WHO WHAT RESULT, and with -o wide SUMMARY REASON TICKET PEER.
Table AuditTable(const Session& session);
void AddAuditEntry(const v1::AuditEntry& entry, const Session& session, Table* table);

// Of a table on standard output.
TableStyle AuditStyle(const Session& session);

// "audit/123": its sequence.
void PrintAuditName(const v1::AuditEntry& entry, std::ostream& out);

}  // namespace hotplugger::client::fleet
