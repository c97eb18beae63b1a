// Which entries of the audit log are asked for, and how they are got.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/command.h"
#include "hotplugger/v1/audit_service.pb.h"

namespace hotplugger::client::fleet {

// What a controller keeps at the most.
inline constexpr int kMaxAuditEntries = 100'000;

struct AuditOptions {
  std::optional<std::string> resource;
  std::optional<std::string> method;
  std::optional<std::string> since;
  std::optional<std::string> limit;
  bool failed = false;
  bool watch = false;
};

struct AuditQuery {
  v1::AuditFilter filter;
  // At most so many entries; at least 1.
  int limit = 0;
};

std::shared_ptr<AuditOptions> DeclareAuditOptions(Arguments& arguments);

// INVALID_ARGUMENT with every flag that is wrong. A time ago is counted from `now`.
absl::StatusOr<AuditQuery> MakeAuditQuery(const AuditOptions& options, absl::Time now);

struct AuditEntries {
  // The latest first.
  std::vector<v1::AuditEntry> entries;
  // There are older ones, which `limit` left out.
  bool cut = false;
};

// The latest entries that the query asks for, page by page. INTERNAL (ENDLESS_LIST).
absl::StatusOr<AuditEntries> FindAuditEntries(const AuditQuery& query, FleetClient& fleet);

// `status`, the controller's answer to such a query, with its fields named by their flags.
absl::Status NameAuditFlags(const absl::Status& status);

}  // namespace hotplugger::client::fleet
