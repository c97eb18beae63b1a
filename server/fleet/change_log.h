// What is kept of the requests that change something, and the one way in which they are carried
// out.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/canonical_bytes.h"
#include "common/clock.h"
#include "common/digest.h"
#include "common/status_macros.h"
#include "hotplugger/v1/audit_service.pb.h"
#include "server/audit/audit_log.h"
#include "server/fleet/answered_requests.h"
#include "server/fleet/change.h"
#include "server/store/records.h"

namespace hotplugger::server {

// Not safe for concurrent use: the engine's thread owns it. Calls block on the disk.
class ChangeLog {
 public:
  // All outlive this. `feed` hears of every entry; null: nobody does.
  ChangeLog(Records* records, Clock* clock, AuditLimits limits = {}, AuditFeed* feed = nullptr)
      : records_(records), audit_(records, clock, limits, feed), answers_(records, clock) {}

  // Once, before all else.
  absl::Status Load();

  // Lets `act` carry out `request`, and keeps what came of it; or answers as it was answered the
  // first time, where it is a retry. What it only validates, and what changes nothing, is not
  // logged. INVALID_ARGUMENT also for a bad request_id or note.
  template <typename Response, typename Request, typename Act>
  absl::StatusOr<Response> CarryOut(const std::string& method, const Request& request,
                                    const Caller& caller, Act act);

  // The same of what the controller does by itself; what fails is not logged: it is tried again.
  template <typename Act>
  absl::Status CarryOutOwn(const std::string& method, Act act);

  // Keeps an entry that goes with no change here. One that can't be kept is told to the log of the
  // program.
  absl::Status Record(const v1::AuditEntry& entry);

  // INVALID_ARGUMENT for a bad page.
  absl::StatusOr<v1::ListAuditEntriesResponse> ListAudit(
      const v1::ListAuditEntriesRequest& request);

 private:
  template <typename Request>
  static v1::AuditEntry MakeEntry(const std::string& method, const Request& request,
                                  const Caller& caller);
  // Of what every request that changes something has.
  template <typename Request>
  static absl::Status Check(const Request& request);
  absl::StatusOr<std::optional<std::string>> FindAnswer(const v1::AnsweredRequest& request);
  void LogRefused(v1::AuditEntry entry, const absl::Status& status);
  // An answer that goes with no change.
  absl::Status KeepAnswer(const v1::AnsweredRequest& answer);

  Records* const records_;
  AuditLog audit_;
  AnsweredRequests answers_;
};

// Implementation.

template <typename Response, typename Request, typename Act>
absl::StatusOr<Response> ChangeLog::CarryOut(const std::string& method, const Request& request,
                                             const Caller& caller, Act act) {
  v1::AnsweredRequest wanted;
  wanted.set_method(method);
  bool validate_only = false;
  if constexpr (requires { request.validate_only(); }) validate_only = request.validate_only();
  if constexpr (requires { request.request_id(); }) {
    if (!validate_only && !request.request_id().empty()) {
      wanted.set_id(request.request_id());
      wanted.set_request_digest(Sha256Hex(CanonicalBytes(request)));
    }
  }
  Change change(&audit_, &answers_, MakeEntry(method, request, caller), std::move(wanted));
  std::optional<std::string> given;
  absl::Status valid = Check(request);
  if (valid.ok() && !change.answer().id().empty()) {
    absl::StatusOr<std::optional<std::string>> found = FindAnswer(change.answer());
    valid = found.status();
    if (found.ok()) given = *std::move(found);
  }
  Response answered;
  if (given && answered.ParseFromString(*given)) return answered;
  absl::StatusOr<Response> response = valid.ok() ? act(&change) : valid;
  if (validate_only || change.committed()) return response;
  if (!response.ok()) {
    LogRefused(change.entry(), response.status());
  } else if (!change.answer().id().empty()) {
    change.SetOutcome("", *response);
    RETURN_IF_ERROR(KeepAnswer(change.answer()));
  }
  return response;
}

template <typename Request>
v1::AuditEntry ChangeLog::MakeEntry(const std::string& method, const Request& request,
                                    const Caller& caller) {
  v1::AuditEntry entry;
  entry.set_method(method);
  entry.set_identity(caller.identity);
  entry.set_peer(caller.peer);
  if constexpr (requires { request.note(); }) *entry.mutable_note() = request.note();
  if constexpr (requires { request.hold().reason(); }) {
    entry.mutable_note()->set_reason(request.hold().reason());
    entry.mutable_note()->set_ticket(request.hold().ticket());
    entry.mutable_note()->set_author(request.hold().author());
  }
  if constexpr (requires { request.request_id(); }) entry.set_request_id(request.request_id());
  return entry;
}

template <typename Request>
absl::Status ChangeLog::Check(const Request& request) {
  if constexpr (requires { request.note(); }) RETURN_IF_ERROR(ValidateNote(request.note()));
  if constexpr (requires { request.request_id(); }) {
    RETURN_IF_ERROR(ValidateRequestId(request.request_id()));
  }
  return absl::OkStatus();
}

template <typename Act>
absl::Status ChangeLog::CarryOutOwn(const std::string& method, Act act) {
  v1::AuditEntry entry;
  entry.set_method(method);
  entry.set_identity(kControllerIdentity);
  Change change(&audit_, &answers_, std::move(entry), v1::AnsweredRequest());
  return act(&change);
}

}  // namespace hotplugger::server
