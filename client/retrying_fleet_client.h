// Calls that are tried again where the controller can't be reached for a while.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "client/fleet_client.h"
#include "common/clock.h"

namespace hotplugger::client {

// How it is gone about; all of it outlives the client.
struct RetryOptions {
  // A call takes at most so long, with all its repetitions.
  absl::Duration longest;
  // So long calls are tried again, all of them together, while nobody was ever reached: a wrong
  // address is told soon.
  absl::Duration longest_unreached;
  // Not one that somebody sets.
  Clock& clock;
  // Waits for so long.
  const std::function<void(absl::Duration)>& pause;
  // Told, for a person, that a call is tried again.
  std::function<void(const std::string& text)> tell;
};

// Where nothing else is said a controller that was never there is given up after so long.
inline constexpr absl::Duration kFirstContact = absl::Seconds(2);

// `inner`, with every call that asks or that changes something once (by its request_id) tried again
// where it failed since nobody answered or the controller was about to end. A plan is tried again
// unless it has been answered in part. OperateNodes and watches are passed on: the first would do
// things twice, and who watches knows how to go on. A call that ends as UNREACHABLE never got to
// anybody, in none of its repetitions.
std::unique_ptr<FleetClient> MakeRetryingFleetClient(std::unique_ptr<FleetClient> inner,
                                                     RetryOptions options);

// Whether nothing but time is missing: nobody could be reached, or the controller was ending.
bool IsWorthARetry(const absl::Status& status);

// Whether nobody knows what became of the call that ended so.
bool IsUnanswered(const absl::Status& status);

// Whether the call that ended so never got to anybody: it was refused, or there is no such address.
bool IsUnreached(const absl::Status& status);

// `status` with `text` after its message.
absl::Status AndAlso(const absl::Status& status, absl::string_view text);

}  // namespace hotplugger::client
