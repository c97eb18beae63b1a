#include "server/policy/hold_validator.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "common/names.h"
#include "server/policy/subject.h"

namespace hotplugger::server {

std::vector<FieldViolation> ValidateHold(const v1::Hold& hold) {
  std::vector<FieldViolation> violations;
  const auto check = [&violations](const char* field, const absl::Status& status) {
    if (!status.ok()) violations.push_back({field, std::string(status.message())});
  };
  check("hold.node", ValidateNodeName(hold.node()));
  check("hold.subject", ParseSubject(hold.subject()).status());
  if (hold.state() != v1::DEVICE_STATE_ONLINE && hold.state() != v1::DEVICE_STATE_OFFLINE) {
    violations.push_back({"hold.state", "is neither ONLINE nor OFFLINE"});
  }
  if (hold.reason().size() > kMaxReasonLength) {
    violations.push_back(
        {"hold.reason", absl::StrCat("has ", hold.reason().size(), " bytes; at most ",
                                     kMaxReasonLength, " are allowed")});
  }
  if (!hold.GetReflection()->GetUnknownFields(hold).empty()) {
    violations.push_back({"hold",
                          "has settings that this controller doesn't know; upgrade the controller "
                          "or leave them out"});
  }
  return violations;
}

}  // namespace hotplugger::server
