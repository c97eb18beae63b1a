#include "server/audit/audit_filter.h"

#include "absl/strings/match.h"
#include "common/proto_time.h"

namespace hotplugger::server {

bool MeetsFilter(const v1::AuditEntry& entry, const v1::AuditFilter& filter) {
  if (!filter.resource().empty() && !IsAtOrBelow(entry.resource(), filter.resource())) return false;
  if (!filter.method().empty() && entry.method() != filter.method()) return false;
  if (filter.has_since_time() && ToTime(entry.time()) < ToTime(filter.since_time())) return false;
  return !filter.failed_only() || entry.status().code() != 0;
}

bool IsAtOrBelow(absl::string_view resource, absl::string_view root) {
  return absl::StartsWith(resource, root) &&
         (resource.size() == root.size() || resource[root.size()] == '/');
}

}  // namespace hotplugger::server
