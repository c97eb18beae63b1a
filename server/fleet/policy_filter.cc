#include "server/fleet/policy_filter.h"

#include <algorithm>
#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/names.h"
#include "common/node_pattern.h"
#include "common/proto_time.h"
#include "server/policy/note_validator.h"
#include "server/policy/selector.h"
#include "server/policy/subject.h"

namespace hotplugger::server {
namespace {

constexpr size_t kMaxSubjectPattern = 128;

// A pattern has '*' and '?' as a node's has; what it may have besides is what subjects have.
void CheckSubject(const std::string& subject, Violations* violations) {
  if (!IsNodePattern(subject)) {
    Check("filter.subject", ParseSubject(subject).status(), violations);
    return;
  }
  const bool valid = subject.size() <= kMaxSubjectPattern &&
                     std::all_of(subject.begin(), subject.end(), [](char c) {
                       return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
                              absl::string_view("-_./:*?").find(c) != absl::string_view::npos;
                     });
  if (valid) return;
  violations->push_back(
      {"filter.subject",
       absl::StrCat("is neither a subject nor a pattern: at most ", kMaxSubjectPattern,
                    " of a-z, A-Z, 0-9, '-', '_', '.', '/', ':', '*' and '?'")});
}

bool MatchesSubject(const std::string& wanted, const std::string& subject) {
  if (IsNodePattern(wanted)) return MatchesNodePattern(wanted, subject);
  const absl::StatusOr<Subject> parsed = ParseSubject(wanted);
  return parsed.ok() && FormatSubject(*parsed) == subject;
}

bool MatchesName(const std::string& wanted, const std::string& name) {
  return wanted.empty() || wanted == name ||
         (IsNodePattern(wanted) && MatchesNodePattern(wanted, name));
}

}  // namespace

void CheckFilter(const v1::PolicyFilter& filter, Violations* violations) {
  CheckUnknownFields("filter", filter, violations);
  if (!filter.name().empty()) {
    Check("filter.name",
          IsNodePattern(filter.name()) ? ValidateNodePattern(filter.name())
                                       : ValidatePolicyName(filter.name()),
          violations);
  }
  if (!filter.node().empty()) Check("filter.node", ValidateNodeName(filter.node()), violations);
}

void CheckFilter(const v1::HoldFilter& filter, Violations* violations) {
  CheckUnknownFields("filter", filter, violations);
  if (!filter.node().empty()) Check("filter.node", ValidateNodePattern(filter.node()), violations);
  if (!filter.subject().empty()) CheckSubject(filter.subject(), violations);
  CheckLength("filter.author", filter.author(), kMaxAuthorLength, violations);
  CheckLength("filter.ticket", filter.ticket(), kMaxTicketLength, violations);
  if (!IsValid(filter.expires_before()) || filter.expires_before().seconds() < 0) {
    violations->push_back({"filter.expires_before", "is no time between the years 1970 and 9999"});
  }
}

bool MeetsFilter(const v1::Policy& policy, const v1::PolicyFilter& filter,
                 const NodeSnapshot* node) {
  if (!MatchesName(filter.name(), policy.name())) return false;
  return node == nullptr || Matches(policy.selector(), node->name, node->identity->labels);
}

bool MeetsFilter(const v1::Hold& hold, const v1::HoldFilter& filter) {
  if (!MatchesName(filter.node(), hold.node())) return false;
  if (!filter.subject().empty() && !MatchesSubject(filter.subject(), hold.subject())) return false;
  if (!filter.author().empty() && filter.author() != hold.author()) return false;
  if (!filter.ticket().empty() && filter.ticket() != hold.ticket()) return false;
  return !filter.has_expires_before() ||
         (hold.has_expire_time() && ToTime(hold.expire_time()) < ToTime(filter.expires_before()));
}

}  // namespace hotplugger::server
