// Whether conditions on the audit log and on events make sense.
#pragma once

#include "hotplugger/v1/audit_service.pb.h"
#include "hotplugger/v1/event_service.pb.h"
#include "server/policy/violations.h"

namespace hotplugger::server {

// Every problem of a filter that stands in the field `filter`.
void CheckFilter(const v1::AuditFilter& filter, Violations* violations);
void CheckFilter(const v1::EventFilter& filter, Violations* violations);

}  // namespace hotplugger::server
