// Which events are asked for, and how they are got.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/command.h"
#include "hotplugger/v1/event_service.pb.h"

namespace hotplugger::client::fleet {

// What a controller keeps at the most.
inline constexpr int kMaxEvents = 10'000;

struct EventOptions {
  std::vector<std::string> about;
  std::optional<std::string> type;
  std::optional<std::string> since;
  std::optional<std::string> limit;
  bool warnings = false;
  bool watch = false;
};

struct EventQuery {
  v1::EventFilter filter;
  // Where there are several: events that are about any of them, which the filter can't say.
  std::vector<std::string> resources;
  // At most so many; at least 1.
  int limit = 0;

  // Whether one that `filter` lets through is asked for.
  bool Wants(const v1::Event& event) const;
};

std::shared_ptr<EventOptions> DeclareEventOptions(Arguments& arguments);

// INVALID_ARGUMENT with everything that is wrong. A time ago is counted from `now`.
absl::StatusOr<EventQuery> MakeEventQuery(const EventOptions& options, absl::Time now);

struct Events {
  // The latest first.
  std::vector<v1::Event> events;
  // There are older ones, which `limit` left out.
  bool cut = false;
  // Of the latest one that the filter lets through; 0: there is none.
  int64_t newest = 0;
};

// The latest events that the query asks for and that come after this one, page by page. INTERNAL
// (ENDLESS_LIST).
absl::StatusOr<Events> FindEvents(const EventQuery& query, FleetClient& fleet,
                                  int64_t after_sequence = 0);

// `status`, the controller's answer to such a query, with its fields named by their flags.
absl::Status NameEventFlags(const absl::Status& status);

}  // namespace hotplugger::client::fleet
