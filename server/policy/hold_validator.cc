#include "server/policy/hold_validator.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "common/names.h"
#include "server/policy/subject.h"
#include "server/policy/violations.h"

namespace hotplugger::server {

std::vector<FieldViolation> ValidateHold(const v1::Hold& hold) {
  Violations violations;
  Check("hold.node", ValidateNodeName(hold.node()), &violations);
  Check("hold.subject", ParseSubject(hold.subject()).status(), &violations);
  if (hold.state() != v1::DEVICE_STATE_ONLINE && hold.state() != v1::DEVICE_STATE_OFFLINE) {
    violations.push_back({"hold.state", "is neither ONLINE nor OFFLINE"});
  }
  if (hold.reason().size() > kMaxReasonLength) {
    violations.push_back(
        {"hold.reason", absl::StrCat("has ", hold.reason().size(), " bytes; at most ",
                                     kMaxReasonLength, " are allowed")});
  }
  CheckUnknownFields("hold", hold, &violations);
  return violations;
}

}  // namespace hotplugger::server
