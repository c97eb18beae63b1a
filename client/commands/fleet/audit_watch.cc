#include "client/commands/fleet/audit_watch.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "client/commands/fleet/audit_view.h"
#include "client/commands/fleet/following.h"
#include "common/status_macros.h"

namespace hotplugger::client::fleet {
namespace {

// One `hotplugctl audit --watch`.
class AuditWatch {
 public:
  AuditWatch(const AuditQuery& query, Session& session)
      : query_(query), session_(session), table_(AuditTable(session)), follower_(session) {
    *request_.mutable_filter() = query.filter;
  }

  absl::StatusOr<ExitCode> Run() {
    RETURN_IF_ERROR(PrintKept());
    absl::Status ended = follower_.Run([this](const FleetClient::WatchEnd& end) {
      return session_.fleet->WatchAuditEntries(
          request_,
          [this](const v1::WatchAuditEntriesResponse& answer) {
            follower_.NoteAnswer();
            status_.Update(TakeNew(answer));
            Flush();
            return status_.ok() && session_.out.good();
          },
          end);
    });
    ended.Update(status_);
    return EndWatch(NameAuditFlags(ended), session_);
  }

 private:
  // The latest entries that are asked for, the latest last.
  absl::Status PrintKept() {
    // Whatever comes after the newest of all is new, whether the list below has it or not.
    AuditQuery newest;
    newest.limit = 1;
    ASSIGN_OR_RETURN(const AuditEntries any, FindAuditEntries(newest, *session_.fleet));
    // Where there is none yet all are new: absent it would be what comes after the call has begun.
    request_.set_after_sequence(any.entries.empty() ? 0 : any.entries.front().sequence());
    ASSIGN_OR_RETURN(AuditEntries found, FindAuditEntries(query_, *session_.fleet));
    follower_.NoteAnswer();
    std::reverse(found.entries.begin(), found.entries.end());
    for (const v1::AuditEntry& entry : found.entries) {
      request_.set_after_sequence(std::max(request_.after_sequence(), entry.sequence()));
      RETURN_IF_ERROR(Print(entry));
    }
    Flush();
    return absl::OkStatus();
  }

  void WarnOfMissed(int64_t missed) {
    Flush();
    session_.err << "warning: at most " << missed << (missed == 1 ? " entry" : " entries")
                 << " before the next one are no longer kept\n";
  }

  absl::Status TakeNew(const v1::WatchAuditEntriesResponse& answer) {
    if (answer.missed() > 0) WarnOfMissed(answer.missed());
    if (!answer.has_entry()) return absl::OkStatus();
    // Smaller ones are of a store that was put back to an earlier day.
    request_.set_after_sequence(answer.entry().sequence());
    return Print(answer.entry());
  }

  absl::Status Print(const v1::AuditEntry& entry) {
    if (session_.format != OutputFormat::kTable) {
      return PrintStreamed(entry, session_.format, session_.out);
    }
    if (session_.names_only) {
      PrintAuditName(entry, session_.out);
    } else {
      AddAuditEntry(entry, session_, &table_);
    }
    return absl::OkStatus();
  }

  void Flush() {
    if (session_.format == OutputFormat::kTable && !session_.names_only) {
      table_.PrintNew(session_.out, AuditStyle(session_));
    }
    // Whoever reads this waits for it.
    session_.out.flush();
  }

  const AuditQuery& query_;
  Session& session_;
  Table table_;
  Follower follower_;
  v1::WatchAuditEntriesRequest request_;
  absl::Status status_;
};

}  // namespace

absl::StatusOr<ExitCode> WatchAudit(const AuditQuery& query, Session& session) {
  return AuditWatch(query, session).Run();
}

}  // namespace hotplugger::client::fleet
