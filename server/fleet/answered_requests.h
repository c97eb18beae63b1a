// What was answered to requests with a request_id, so that a retry is answered the same and done
// once.
#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/clock.h"
#include "hotplugger/v1/controller_state.pb.h"
#include "server/store/records.h"

namespace hotplugger::server {

// Not safe for concurrent use: the engine's thread owns it. Calls block on the disk.
class AnsweredRequests {
 public:
  // Both as policy_service.proto says.
  static constexpr absl::Duration kMaxAge = absl::Hours(1);
  static constexpr size_t kMaxKept = 10'000;

  // `records` and `clock` outlive this.
  AnsweredRequests(Records* records, Clock* clock) : records_(records), clock_(clock) {}

  // Once, before all else.
  absl::Status Load();

  // The response, serialized, that a request of this id, method and content was given; nothing
  // where there was none. INVALID_ARGUMENT (REQUEST_ID_REUSED): the id was that of another request.
  absl::StatusOr<std::optional<std::string>> Find(const std::string& id, const std::string& method,
                                                  const std::string& request_digest);

  // Adds an answer to a change that is about to be committed, and the removal of what is too old.
  // Committed follows if it was; else nothing has happened.
  void Stage(v1::AnsweredRequest answer, RecordBatch* batch);
  void Committed();

 private:
  struct Kept {
    std::string id;
    absl::Time time;
  };

  Records* const records_;
  Clock* const clock_;
  // By id, without responses; and the oldest first.
  std::map<std::string, v1::AnsweredRequest> answers_;
  std::deque<Kept> order_;
  std::optional<v1::AnsweredRequest> staged_;
  size_t staged_removals_ = 0;
};

}  // namespace hotplugger::server
