#include "client/commands/fleet/audit_query.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/flag_values.h"
#include "common/error_info.h"
#include "common/status_macros.h"

namespace hotplugger::client::fleet {
namespace {

constexpr int kPageSize = 500;

// A page may be empty: the controller looks at so many entries a call, whether they are right or
// not. Even at one a call this would be the whole log.
constexpr int kMaxPages = kMaxAuditEntries;

}  // namespace

absl::Status NameAuditFlags(const absl::Status& status) {
  return NameFlags(status, {{"filter.resource", "--resource"},
                            {"filter.method", "--method"},
                            {"filter.since_time", "--since"}});
}

std::shared_ptr<AuditOptions> DeclareAuditOptions(Arguments& arguments) {
  auto options = std::make_shared<AuditOptions>();
  arguments.Value("--resource", "NAME",
                  "only of this or what is below it: policies/NAME, nodes/NAME, "
                  "nodes/NAME/holds/SUBJECT",
                  &options->resource);
  arguments.Value("--method", "METHOD", "only of this method, e.g. ApplyPolicy or SetHold",
                  &options->method);
  arguments.Value("--since", "TIME",
                  "only from then on: a time ago, e.g. 30m, 2h or 3d, or 2026-12-01T08:00:00Z",
                  &options->since);
  arguments.Switch("--failed", "only what was refused or failed", &options->failed);
  arguments.Value("--limit", "N", "the latest N of them, 1 to 100000 [100]", &options->limit);
  arguments.Switch("-w,--watch",
                   "print the latest last, go on, and print each new one, until interrupted",
                   &options->watch);
  return options;
}

absl::StatusOr<AuditQuery> MakeAuditQuery(const AuditOptions& options, absl::Time now) {
  AuditQuery query;
  Violations violations;
  query.filter.set_resource(options.resource.value_or(""));
  query.filter.set_method(options.method.value_or(""));
  query.filter.set_failed_only(options.failed);
  if (options.since) {
    ReadSince(*options.since, now, query.filter.mutable_since_time(), &violations);
  }
  query.limit =
      ReadNumber("--limit", options.limit.value_or("100"), 1, kMaxAuditEntries, &violations);
  RETURN_IF_ERROR(MakeFieldErrors(violations));
  return query;
}

absl::StatusOr<AuditEntries> FindAuditEntries(const AuditQuery& query, FleetClient& fleet) {
  AuditEntries found;
  v1::ListAuditEntriesRequest request;
  *request.mutable_filter() = query.filter;
  const auto limit = static_cast<size_t>(query.limit);
  for (int page = 0; page < kMaxPages; ++page) {
    // One more than wanted tells whether there is more.
    request.set_page_size(
        static_cast<int>(std::min<size_t>(limit + 1 - found.entries.size(), kPageSize)));
    auto response = fleet.ListAuditEntries(request);
    if (!response.ok()) return NameAuditFlags(response.status());
    for (v1::AuditEntry& entry : *response->mutable_entries()) {
      found.cut = found.entries.size() == limit;
      if (found.cut) return found;
      found.entries.push_back(std::move(entry));
    }
    if (response->next_page_token().empty()) return found;
    if (response->next_page_token() == request.page_token()) break;
    request.set_page_token(response->next_page_token());
  }
  return MakeError(absl::StatusCode::kInternal, "ENDLESS_LIST",
                   "the controller's list has no last page; report this as a fault");
}

}  // namespace hotplugger::client::fleet
