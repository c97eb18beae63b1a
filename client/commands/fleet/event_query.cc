#include "client/commands/fleet/event_query.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "client/flag_values.h"
#include "common/error_info.h"
#include "common/status_macros.h"

namespace hotplugger::client::fleet {
namespace {

constexpr int kPageSize = 500;
constexpr int kMaxPages = kMaxEvents;

// "gamma" is nodes/gamma; what has a slash says itself what it is.
std::string ResourceOf(const std::string& about, Violations* violations) {
  if (!about.empty() && !absl::StrContains(about, '/')) return absl::StrCat("nodes/", about);
  absl::string_view name = about;
  const bool known =
      absl::ConsumePrefix(&name, "nodes/") || absl::ConsumePrefix(&name, "policies/");
  if (!known || name.empty()) {
    violations->push_back({"ABOUT", absl::StrCat(Quoted(about),
                                                 " is neither a node's name nor policies/NAME, "
                                                 "nodes/NAME or nodes/NAME/holds/SUBJECT")});
  }
  return about;
}

bool IsAbout(const v1::Event& event, const std::string& resource) {
  absl::string_view rest = event.resource();
  return absl::ConsumePrefix(&rest, resource) && (rest.empty() || rest.front() == '/');
}

}  // namespace

bool EventQuery::Wants(const v1::Event& event) const {
  return resources.empty() ||
         std::any_of(resources.begin(), resources.end(),
                     [&event](const std::string& resource) { return IsAbout(event, resource); });
}

std::shared_ptr<EventOptions> DeclareEventOptions(Arguments& arguments) {
  auto options = std::make_shared<EventOptions>();
  arguments.Rest("ABOUT",
                 "only events about these or what is below them: a node's name, policies/NAME, "
                 "nodes/NAME/holds/SUBJECT",
                 &options->about);
  arguments.Value("--type", "TYPE", "only events of this type, e.g. NodeConnected", &options->type);
  arguments.Value("--since", "TIME",
                  "only from then on: a time ago, e.g. 30m, 2h or 3d, or 2026-12-01T08:00:00Z",
                  &options->since);
  arguments.Switch("--warnings", "only what a person may have to look at", &options->warnings);
  arguments.Value("--limit", "N", "the latest N of them, 1 to 10000 [100]", &options->limit);
  arguments.Switch("-w,--watch", "go on, and print each new one, until interrupted",
                   &options->watch);
  return options;
}

absl::StatusOr<EventQuery> MakeEventQuery(const EventOptions& options, absl::Time now) {
  EventQuery query;
  Violations violations;
  for (const std::string& about : options.about) {
    query.resources.push_back(ResourceOf(about, &violations));
  }
  if (query.resources.size() == 1) {
    query.filter.set_resource(query.resources.front());
    query.resources.clear();
  }
  if (options.type && options.type->empty()) {
    violations.push_back({"--type", "is empty; leave it out for all types"});
  }
  query.filter.set_type(options.type.value_or(""));
  query.filter.set_warnings_only(options.warnings);
  if (options.since) {
    ReadSince(*options.since, now, query.filter.mutable_since_time(), &violations);
  }
  query.limit = ReadNumber("--limit", options.limit.value_or("100"), 1, kMaxEvents, &violations);
  RETURN_IF_ERROR(MakeFieldErrors(violations));
  return query;
}

absl::StatusOr<Events> FindEvents(const EventQuery& query, FleetClient& fleet,
                                  int64_t after_sequence) {
  Events found;
  v1::ListEventsRequest request;
  *request.mutable_filter() = query.filter;
  const auto limit = static_cast<size_t>(query.limit);
  // One more than wanted tells whether there is more.
  request.set_page_size(static_cast<int>(std::min<size_t>(limit + 1, kPageSize)));
  for (int page = 0; page < kMaxPages; ++page) {
    auto response = fleet.ListEvents(request);
    if (!response.ok()) return NameEventFlags(response.status());
    for (v1::Event& event : *response->mutable_events()) {
      found.newest = std::max(found.newest, event.sequence());
      if (event.sequence() <= after_sequence) return found;
      if (!query.Wants(event)) continue;
      found.cut = found.events.size() == limit;
      if (found.cut) return found;
      found.events.push_back(std::move(event));
    }
    if (response->next_page_token().empty()) return found;
    if (response->next_page_token() == request.page_token()) break;
    request.set_page_token(response->next_page_token());
  }
  return MakeError(absl::StatusCode::kInternal, "ENDLESS_LIST",
                   "the controller's list has no last page; report this as a fault");
}

absl::Status NameEventFlags(const absl::Status& status) {
  return NameFlags(
      status,
      {{"filter.resource", "ABOUT"}, {"filter.type", "--type"}, {"filter.since_time", "--since"}});
}

}  // namespace hotplugger::client::fleet
