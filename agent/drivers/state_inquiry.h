// Asks drivers whether they run, and waits for none for ever: what answers may be a file of a
// kernel that hangs, or a service that is stuck.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "agent/drivers/driver.h"
#include "hotplugger/v1/driver.pb.h"

namespace hotplugger::agent {

// What a driver answered.
struct DriverAnswer {
  // RUNNING, STOPPED or UNKNOWN.
  v1::DriverState state = v1::DRIVER_STATE_UNKNOWN;
  // Why it is UNKNOWN.
  std::string detail;
};

// Safe for concurrent use. The questions are put on threads of its own, as many as are asked at
// once and one more for each driver that hangs: such a driver is not asked again until it has
// answered. One Ask takes `patience` at most, however many hang. The destructor waits for whoever
// hangs once more, then leaves them to themselves.
class StateInquiry {
 public:
  static constexpr absl::Duration kPatience = absl::Seconds(2);

  // With so many that hang at once, the others are still asked in time.
  static constexpr int kMostHanging = 16;

  // A driver that has not answered within `patience` is UNKNOWN, and so is one whose turn did not
  // come.
  explicit StateInquiry(absl::Duration patience = kPatience);
  ~StateInquiry();
  StateInquiry(const StateInquiry&) = delete;
  StateInquiry& operator=(const StateInquiry&) = delete;

  // In the drivers' order.
  std::vector<DriverAnswer> Ask(const std::vector<std::shared_ptr<HotplugDriver>>& drivers);
  DriverAnswer Ask(const std::shared_ptr<HotplugDriver>& driver);

 private:
  struct Questions;
  struct Shared;

  static void Serve(const std::shared_ptr<Shared>& shared);
  void Hand(const std::shared_ptr<Questions>& questions);
  void AwaitAnswers(const std::shared_ptr<Questions>& questions);

  const absl::Duration patience_;
  // The threads' too: one that hangs may outlive this.
  const std::shared_ptr<Shared> shared_;
};

}  // namespace hotplugger::agent
