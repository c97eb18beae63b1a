// A store whose operations are measured.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/clock.h"
#include "server/store/store.h"
#include "server/store/store_timings.h"

namespace hotplugger::server {

// Does what `store` does, and is as safe.
class TimedStore final : public Store {
 public:
  // `timings` and `clock`, a steady one, outlive this.
  TimedStore(std::unique_ptr<Store> store, StoreTimings* timings, Clock* clock)
      : store_(std::move(store)), timings_(timings), clock_(clock) {}

  absl::StatusOr<int64_t> Revision() override;
  absl::StatusOr<std::optional<KeyValue>> Get(absl::string_view key) override;
  absl::StatusOr<std::vector<KeyValue>> Range(absl::string_view prefix,
                                              absl::string_view start_after, size_t limit) override;
  absl::StatusOr<int64_t> Commit(const Transaction& transaction) override;

 private:
  // What `call` answers.
  template <typename Call>
  auto Measure(StoreOperation operation, Call call);

  const std::unique_ptr<Store> store_;
  StoreTimings* const timings_;
  Clock* const clock_;
};

}  // namespace hotplugger::server
