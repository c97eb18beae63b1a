// Conditions on entries of the audit log.
#pragma once

#include "absl/strings/string_view.h"
#include "hotplugger/v1/audit.pb.h"
#include "hotplugger/v1/audit_service.pb.h"

namespace hotplugger::server {

// Whether all of the filter's conditions hold.
bool MeetsFilter(const v1::AuditEntry& entry, const v1::AuditFilter& filter);

// Whether `resource` is `root` or lies below it, as "nodes/n1/holds/cpu3" lies below "nodes/n1".
bool IsAtOrBelow(absl::string_view resource, absl::string_view root);

}  // namespace hotplugger::server
