#include "server/policy/hold_validator.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "common/names.h"
#include "common/proto_time.h"
#include "server/policy/note_validator.h"
#include "server/policy/subject.h"
#include "server/policy/violations.h"

namespace hotplugger::server {

namespace {

void CheckExpiry(const v1::Hold& hold, absl::Time now, Violations* violations) {
  if (!hold.has_expire_time() && !hold.has_ttl()) return;
  const bool by_time = hold.has_expire_time();
  const absl::Duration left = by_time ? ToTime(hold.expire_time()) - now : ToDuration(hold.ttl());
  const bool valid = by_time ? IsValid(hold.expire_time()) : IsValid(hold.ttl());
  if (valid && left >= kMinHoldTtl && left <= kMaxHoldTtl) return;
  violations->push_back(
      {by_time ? "hold.expire_time" : "hold.ttl",
       absl::StrCat(by_time ? absl::FormatTime(ToTime(hold.expire_time()), absl::UTCTimeZone())
                            : absl::FormatDuration(left),
                    " is not from ", absl::FormatDuration(kMinHoldTtl),
                    " to 10 years from now; leave it out where the hold is to stay until it is "
                    "released")});
}

}  // namespace

std::vector<FieldViolation> ValidateHold(const v1::Hold& hold, absl::Time now) {
  Violations violations;
  Check("hold.node", ValidateNodeName(hold.node()), &violations);
  Check("hold.subject", ParseSubject(hold.subject()).status(), &violations);
  if (hold.state() != v1::DEVICE_STATE_ONLINE && hold.state() != v1::DEVICE_STATE_OFFLINE) {
    violations.push_back({"hold.state", "is neither ONLINE nor OFFLINE"});
  }
  CheckLength("hold.reason", hold.reason(), kMaxReasonLength, &violations);
  CheckLength("hold.ticket", hold.ticket(), kMaxTicketLength, &violations);
  CheckLength("hold.author", hold.author(), kMaxAuthorLength, &violations);
  CheckExpiry(hold, now, &violations);
  CheckUnknownFields("hold", hold, &violations);
  return violations;
}

}  // namespace hotplugger::server
