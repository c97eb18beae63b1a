#include "agent/devices/rules/item_result.h"

#include <string>

#include "absl/strings/numbers.h"
#include "common/error_info.h"

namespace hotplugger::agent {
namespace {

v1::RetryClass RetryOf(const absl::Status& status) {
  const std::string retry = ErrorMetadataValue(status, "retry");
  if (retry == "TRANSIENT") return v1::RETRY_CLASS_TRANSIENT;
  if (retry == "CONDITIONAL") return v1::RETRY_CLASS_CONDITIONAL;
  if (retry == "PERMANENT") return v1::RETRY_CLASS_PERMANENT;
  switch (status.code()) {
    case absl::StatusCode::kUnavailable:
      return v1::RETRY_CLASS_TRANSIENT;
    // A file that could not be read, a full disk: mended by somebody, not by asking otherwise.
    case absl::StatusCode::kAborted:
    case absl::StatusCode::kDataLoss:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kInternal:
    case absl::StatusCode::kResourceExhausted:
    case absl::StatusCode::kUnknown:
      return v1::RETRY_CLASS_CONDITIONAL;
    default:
      return v1::RETRY_CLASS_PERMANENT;
  }
}

}  // namespace

v1::ItemResult FailedItem(absl::string_view subject, const absl::Status& status) {
  v1::ItemResult result;
  result.set_subject(std::string(subject));
  result.set_reason(ErrorReason(status));
  result.set_message(std::string(status.message()));
  result.set_retry(RetryOf(status));
  int error_number = 0;
  const bool answered = absl::SimpleAtoi(ErrorMetadataValue(status, "error_number"), &error_number);
  if (answered) result.set_error_number(error_number);
  // Where the kernel or the driver answered, or should have, it was tried; all else was refused
  // before a write.
  const bool tried = answered || absl::IsDeadlineExceeded(status) || absl::IsAborted(status) ||
                     absl::IsUnavailable(status) || absl::IsInternal(status);
  result.set_outcome(tried ? v1::OUTCOME_FAILED : v1::OUTCOME_REFUSED);
  return result;
}

v1::ItemResult DoneItem(absl::string_view subject, v1::Outcome outcome) {
  v1::ItemResult result;
  result.set_subject(std::string(subject));
  result.set_outcome(outcome);
  return result;
}

bool Succeeded(const v1::ItemResult& item) {
  return item.outcome() == v1::OUTCOME_CHANGED || item.outcome() == v1::OUTCOME_ALREADY;
}

}  // namespace hotplugger::agent
