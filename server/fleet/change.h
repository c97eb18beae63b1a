// A request that changes something, and what is kept of it: its answer for retries and its entry in
// the audit log, both stored in one transaction with the change.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/message.h"
#include "hotplugger/v1/audit.pb.h"
#include "hotplugger/v1/policy_service.pb.h"
#include "server/audit/audit_log.h"
#include "server/fleet/answered_requests.h"

namespace hotplugger::server {

// Whoever asks.
struct Caller {
  // As gRPC names it, e.g. "ipv4:127.0.0.1:40312".
  std::string peer;
  // Shown by certificate; empty: nobody.
  std::string identity;
};

// The controller itself.
inline constexpr char kControllerIdentity[] = "controller";

// One of them; lives while the request is carried out, on the engine's thread.
class Change {
 public:
  // `audit` and `answers` outlive this; `entry` has the method, the caller and the note.
  Change(AuditLog* audit, AnsweredRequests* answers, v1::AuditEntry entry,
         v1::AnsweredRequest answer)
      : audit_(audit), answers_(answers), entry_(std::move(entry)), answer_(std::move(answer)) {}
  Change(const Change&) = delete;
  Change& operator=(const Change&) = delete;

  // What it is about, known as soon as the request is read.
  void SetResource(std::string resource) { entry_.set_resource(std::move(resource)); }
  // What it does, and what will be answered. Before it is committed.
  void SetOutcome(std::string summary, const google::protobuf::Message& response);

  // Called by FleetState around the commit.
  void Stage(RecordBatch* batch);
  void Committed();
  bool committed() const { return committed_; }

  const v1::AuditEntry& entry() const { return entry_; }
  const v1::AnsweredRequest& answer() const { return answer_; }

 private:
  AuditLog* const audit_;
  AnsweredRequests* const answers_;
  v1::AuditEntry entry_;
  // Without an id it is not kept.
  v1::AnsweredRequest answer_;
  bool committed_ = false;
};

// Whether `id` can be a request_id; "" can, and means none. INVALID_ARGUMENT names the field.
absl::Status ValidateRequestId(const std::string& id);
// Likewise of a note, whose lengths are bounded.
absl::Status ValidateNote(const v1::ChangeNote& note);

}  // namespace hotplugger::server
