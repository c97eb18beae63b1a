// Connects to a D-Bus, on a thread of its own: the library waits for the daemon's greeting for as
// long as it takes, and a daemon that hangs never gives one.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace sdbus {
class IConnection;
}  // namespace sdbus

namespace hotplugger::agent {

// Begins at once. Safe for concurrent use. One that is destroyed before it is done leaves the
// thread to itself, which ends when the library gives up (after some two minutes).
class BusConnectionAttempt {
 public:
  // `address` as Systemd's.
  explicit BusConnectionAttempt(std::string address);
  ~BusConnectionAttempt();
  BusConnectionAttempt(const BusConnectionAttempt&) = delete;
  BusConnectionAttempt& operator=(const BusConnectionAttempt&) = delete;

  // Whether it is done by `deadline`, a time of SteadyNow.
  bool Wait(absl::Time deadline);

  // The connection, once; UNAVAILABLE with the library's words. REQUIRES: done.
  absl::StatusOr<std::unique_ptr<sdbus::IConnection>> Take();

 private:
  struct Shared;
  const std::shared_ptr<Shared> shared_;
};

}  // namespace hotplugger::agent
