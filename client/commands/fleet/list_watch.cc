#include "client/commands/fleet/list_watch.h"

#include <map>
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/commands/fleet/following.h"
#include "client/text.h"
#include "common/status_macros.h"

namespace hotplugger::client::fleet {
namespace {

enum class Change { kPresent, kChanged, kRemoved };

const char* NameOf(Change change) {
  switch (change) {
    case Change::kPresent:
      return "PRESENT";
    case Change::kChanged:
      return "CHANGED";
    default:
      return "REMOVED";
  }
}

// The thing in an answer, under the name of its kind; nothing where it is none.
std::optional<WatchedItem> ItemIn(const v1::WatchFleetResponse& answer) {
  WatchedItem item;
  switch (answer.event_case()) {
    case v1::WatchFleetResponse::kNode:
    case v1::WatchFleetResponse::kPolicy:
    case v1::WatchFleetResponse::kHold:
      return answer;
    case v1::WatchFleetResponse::kDeletedNode:
      item.mutable_node()->set_name(answer.deleted_node());
      return item;
    case v1::WatchFleetResponse::kDeletedPolicy:
      item.mutable_policy()->set_name(answer.deleted_policy());
      return item;
    case v1::WatchFleetResponse::kDeletedHold:
      item.mutable_hold()->set_node(answer.deleted_hold().node());
      item.mutable_hold()->set_subject(answer.deleted_hold().subject());
      return item;
    default:
      return std::nullopt;
  }
}

v1::WatchFleetRequest::Kind KindOf(const WatchedItem& item) {
  if (item.has_node()) return v1::WatchFleetRequest::KIND_NODES;
  return item.has_policy() ? v1::WatchFleetRequest::KIND_POLICIES
                           : v1::WatchFleetRequest::KIND_HOLDS;
}

bool IsGone(const v1::WatchFleetResponse& answer) {
  switch (answer.event_case()) {
    case v1::WatchFleetResponse::kDeletedNode:
    case v1::WatchFleetResponse::kDeletedPolicy:
    case v1::WatchFleetResponse::kDeletedHold:
      return true;
    default:
      return false;
  }
}

// One `hotplugctl get --watch`.
class ListWatch {
 public:
  ListWatch(const WatchedKind& kind, const GetOptions& options, Session& session)
      : kind_(kind),
        options_(options),
        session_(session),
        table_(kind.table()),
        follower_(session) {
    request_.add_kinds(kind.kind);
    for (const auto also : kind.also) request_.add_kinds(also);
    request_.set_summary_only(kind.summary_only);
  }

  absl::StatusOr<ExitCode> Run() {
    absl::Status ended;
    do {
      begin_anew_ = false;
      ended = follower_.Run([this](const FleetClient::WatchEnd& end) {
        return session_.fleet->WatchFleet(
            request_,
            [this](const v1::WatchFleetResponse& answer) {
              follower_.NoteAnswer();
              status_.Update(Take(answer));
              return status_.ok() && !begin_anew_ && session_.out.good();
            },
            end);
      });
      ended.Update(status_);
    } while (ended.ok() && begin_anew_ && !follower_.was_interrupted());
    return EndWatch(ended, session_);
  }

 private:
  absl::Status Take(const v1::WatchFleetResponse& answer) {
    request_.set_resume_token(answer.resume_token());
    if (answer.has_reset()) {
      synced_ = false;
      unconfirmed_.clear();
      for (const auto& [name, mark] : seen_) unconfirmed_.insert(name);
    } else if (answer.has_synced()) {
      RETURN_IF_ERROR(Sync());
    }
    if (const auto item = ItemIn(answer); item && KindOf(*item) == kind_.kind) {
      RETURN_IF_ERROR(IsGone(answer) ? TakeGone(*item) : TakeItem(*item));
    } else if (kind_.on_other) {
      ASSIGN_OR_RETURN(begin_anew_, kind_.on_other(answer));
      // From the beginning: other things are wanted now.
      if (begin_anew_) request_.clear_resume_token();
    }
    if (synced_) PrintRows();
    return absl::OkStatus();
  }

  // All is there; what was and isn't is gone.
  absl::Status Sync() {
    for (const std::string& name : std::exchange(unconfirmed_, {})) {
      const WatchedItem item = seen_.at(name).item;
      RETURN_IF_ERROR(TakeGone(item));
    }
    synced_ = true;
    return absl::OkStatus();
  }

  absl::Status TakeItem(const WatchedItem& item) {
    const std::string name = kind_.name(item);
    unconfirmed_.erase(name);
    const auto before = seen_.find(name);
    if (!kind_.wants(item)) {
      if (before == seen_.end()) return absl::OkStatus();
      seen_.erase(before);
      // It is there, and shows by itself why it is none of the list any more.
      return Print(item, Change::kRemoved, /*is_known=*/true);
    }
    std::string mark = kind_.mark(item);
    if (before != seen_.end() && before->second.mark == mark) return absl::OkStatus();
    seen_[name] = {std::move(mark), NamedAs(item)};
    return Print(item, ever_synced() ? Change::kChanged : Change::kPresent, /*is_known=*/true);
  }

  absl::Status TakeGone(const WatchedItem& item) {
    if (seen_.erase(kind_.name(item)) == 0) return absl::OkStatus();
    return Print(item, Change::kRemoved, /*is_known=*/false);
  }

  // Nothing but its name, to be kept.
  static WatchedItem NamedAs(const WatchedItem& item) {
    WatchedItem named;
    if (item.has_node()) named.mutable_node()->set_name(item.node().name());
    if (item.has_policy()) named.mutable_policy()->set_name(item.policy().name());
    if (item.has_hold()) {
      named.mutable_hold()->set_node(item.hold().node());
      named.mutable_hold()->set_subject(item.hold().subject());
    }
    return named;
  }

  absl::Status Print(const WatchedItem& item, Change change, bool is_known) {
    if (session_.format != OutputFormat::kTable) return PrintChange(item, change);
    if (session_.names_only) {
      session_.out << kind_.word << '/' << Printable(kind_.name(item)) << '\n';
    } else if (is_known) {
      kind_.add_row(item, &table_);
    } else {
      kind_.add_gone(item, &table_);
    }
    return absl::OkStatus();
  }

  absl::Status PrintChange(const WatchedItem& item, Change change) {
    ASSIGN_OR_RETURN(const std::string json, ToJsonLine(kind_.message(item)));
    const std::string line =
        absl::StrCat("{\"change\":\"", NameOf(change), "\",\"", kind_.word, "\":", json, "}");
    if (session_.format == OutputFormat::kYaml) session_.out << "---\n";
    PrintJsonAs(session_.format, line, session_.out);
    if (session_.format == OutputFormat::kJson) session_.out << '\n';
    return absl::OkStatus();
  }

  // Headings alone are a table too, but once.
  void PrintRows() {
    if (session_.format == OutputFormat::kTable && !session_.names_only &&
        (!ever_printed_ || table_.has_rows())) {
      table_.PrintNew(session_.out, StyleOf(options_, session_));
    }
    ever_printed_ = true;
    // Whoever reads this waits for it.
    session_.out.flush();
  }

  bool ever_synced() const { return ever_printed_; }

  struct Seen {
    std::string mark;
    WatchedItem item;
  };

  const WatchedKind& kind_;
  const GetOptions& options_;
  Session& session_;
  Table table_;
  Follower follower_;
  v1::WatchFleetRequest request_;
  // What was printed of each last, by name.
  std::map<std::string, Seen> seen_;
  // Those of them that haven't come again since the last reset.
  std::set<std::string> unconfirmed_;
  bool synced_ = false;
  bool ever_printed_ = false;
  bool begin_anew_ = false;
  absl::Status status_;
};

}  // namespace

absl::StatusOr<ExitCode> WatchList(const WatchedKind& kind, const GetOptions& options,
                                   Session& session) {
  return ListWatch(kind, options, session).Run();
}

}  // namespace hotplugger::client::fleet
