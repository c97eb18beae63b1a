#include "server/fleet/change.h"

#include <algorithm>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/error_info.h"
#include "server/policy/note_validator.h"

namespace hotplugger::server {
namespace {

constexpr size_t kMaxRequestId = 64;

}  // namespace

void Change::SetOutcome(std::string summary, const google::protobuf::Message& response) {
  entry_.set_summary(std::move(summary));
  if (!answer_.id().empty()) response.SerializeToString(answer_.mutable_response());
}

void Change::Stage(RecordBatch* batch) {
  audit_->Stage(entry_, batch);
  if (!answer_.id().empty()) answers_->Stage(answer_, batch);
}

void Change::Committed() {
  committed_ = true;
  audit_->Committed();
  if (!answer_.id().empty()) answers_->Committed();
}

absl::Status ValidateRequestId(const std::string& id) {
  const bool valid =
      id.size() <= kMaxRequestId && std::all_of(id.begin(), id.end(), [](char c) {
        return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_';
      });
  if (valid) return absl::OkStatus();
  return MakeFieldErrors({{"request_id", absl::StrCat("is not at most ", kMaxRequestId,
                                                      " of a-z, A-Z, 0-9, '-' and '_'; a UUID "
                                                      "does")}});
}

absl::Status ValidateNote(const v1::ChangeNote& note) {
  Violations violations;
  CheckNote("note", note, &violations);
  return MakeFieldErrors(violations);
}

}  // namespace hotplugger::server
