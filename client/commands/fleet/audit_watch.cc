#include "client/commands/fleet/audit_watch.h"

#include <algorithm>
#include <utility>

#include "client/commands/fleet/audit_view.h"
#include "client/commands/fleet/polling.h"
#include "common/proto_time.h"
#include "common/status_macros.h"

namespace hotplugger::client::fleet {
namespace {

// A clock that is set back makes a later entry look earlier: so much is forgiven.
constexpr absl::Duration kClockSlack = absl::Minutes(10);

// One `hotplugctl audit --watch`.
class AuditWatch {
 public:
  AuditWatch(AuditQuery query, Session& session)
      : query_(std::move(query)), session_(session), table_(AuditTable(session)) {}

  // Prints what is new.
  absl::Status Poll() {
    ASSIGN_OR_RETURN(const AuditEntries newest, FindAuditEntries(Newest(), *session_.fleet));
    const bool any_new =
        !newest.entries.empty() && newest.entries.front().sequence() > query_.after;
    if (any_new) RETURN_IF_ERROR(PrintAfter(newest.entries.front()));
    if (session_.format == OutputFormat::kTable && !session_.names_only &&
        (is_first_ || table_.has_rows())) {
      table_.PrintNew(session_.out, AuditStyle(session_));
    }
    // Whoever reads this waits for it.
    session_.out.flush();
    is_first_ = false;
    return absl::OkStatus();
  }

 private:
  // The one entry that tells whether there is anything new, right or not: with a filter that few
  // meet the controller would look through its whole log each time.
  static AuditQuery Newest() {
    AuditQuery query;
    query.limit = 1;
    return query;
  }

  // Everything that is asked for and after the last look, the latest last. `newest` was the latest
  // a moment ago.
  absl::Status PrintAfter(const v1::AuditEntry& newest) {
    ASSIGN_OR_RETURN(AuditEntries found, FindAuditEntries(query_, *session_.fleet));
    std::reverse(found.entries.begin(), found.entries.end());
    for (const v1::AuditEntry& entry : found.entries) RETURN_IF_ERROR(Print(entry));
    query_.after = newest.sequence();
    if (!found.entries.empty()) {
      query_.after = std::max(query_.after, found.entries.back().sequence());
    }
    query_.limit = kMaxAuditEntries;
    // So that no look goes further back than it must.
    const absl::Time since = std::max(ToTime(newest.time()) - kClockSlack, absl::UnixEpoch());
    if (!query_.filter.has_since_time() || since > ToTime(query_.filter.since_time())) {
      SetTimestamp(since, query_.filter.mutable_since_time());
    }
    return absl::OkStatus();
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

  AuditQuery query_;
  Session& session_;
  Table table_;
  bool is_first_ = true;
};

}  // namespace

absl::StatusOr<ExitCode> WatchAudit(AuditQuery query, Session& session) {
  AuditWatch watch(std::move(query), session);
  return PollUntilInterrupted([&watch] { return watch.Poll(); }, session);
}

}  // namespace hotplugger::client::fleet
