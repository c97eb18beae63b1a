#include "server/fleet/log_filters.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/proto_time.h"
#include "server/fleet/event_types.h"
#include "server/policy/note_validator.h"

namespace hotplugger::server {
namespace {

constexpr size_t kMaxResource = 512;
constexpr size_t kMaxMethod = 64;

// What both have.
template <typename Filter>
void CheckCommon(const Filter& filter, Violations* violations) {
  CheckUnknownFields("filter", filter, violations);
  CheckLength("filter.resource", filter.resource(), kMaxResource, violations);
  if (!IsValid(filter.since_time()) || filter.since_time().seconds() < 0) {
    violations->push_back({"filter.since_time", "is no time between the years 1970 and 9999"});
  }
}

}  // namespace

void CheckFilter(const v1::AuditFilter& filter, Violations* violations) {
  CheckCommon(filter, violations);
  CheckLength("filter.method", filter.method(), kMaxMethod, violations);
}

void CheckFilter(const v1::EventFilter& filter, Violations* violations) {
  CheckCommon(filter, violations);
  const std::vector<std::string> names = EventTypeNames();
  if (filter.type().empty() ||
      std::find(names.begin(), names.end(), filter.type()) != names.end()) {
    return;
  }
  violations->push_back({"filter.type", absl::StrCat("is none of ", absl::StrJoin(names, ", "))});
}

}  // namespace hotplugger::server
