// systemd, over D-Bus.
#pragma once

#include <memory>
#include <string>

#include "absl/time/time.h"
#include "agent/drivers/unit/bus_connection.h"
#include "agent/drivers/unit/service_manager.h"
#include "common/mutex.h"

namespace sdbus {
class IConnection;
class IProxy;
}  // namespace sdbus

namespace hotplugger::agent {

// Connects at the first question, and anew after the connection was lost, at most once a second.
// Where systemd didn't answer a question about a unit, those who would wait no longer are answered
// the same at once for a second: many units are asked one after the other.
class Systemd final : public ServiceManager {
 public:
  // `address`: of a bus, as "unix:path=/run/dbus/system_bus_socket". Empty: the system bus.
  explicit Systemd(std::string address = "");
  ~Systemd() override;

  absl::StatusOr<UnitState> ReadState(const std::string& unit, absl::Time deadline) override;
  absl::Status Request(const std::string& unit, bool running, absl::Time deadline) override;

 private:
  absl::Status Connect(absl::Time deadline) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status ReadUnit(const std::string& unit, absl::Time deadline, UnitState* state)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Disconnect() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Runs `call` on the connection; what it throws comes back as a status.
  template <typename Call>
  absl::Status Run(absl::Time deadline, Call call) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::string address_;
  Mutex mutex_;
  std::unique_ptr<sdbus::IConnection> connection_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<sdbus::IProxy> manager_ ABSL_GUARDED_BY(mutex_);
  // Under way.
  std::unique_ptr<BusConnectionAttempt> attempt_ ABSL_GUARDED_BY(mutex_);
  // When systemd last gave no answer, and how long that was waited for.
  absl::Time hung_at_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();
  absl::Duration hung_for_ ABSL_GUARDED_BY(mutex_);
  // Why the last attempt to connect failed, and when it was.
  absl::Status connect_error_ ABSL_GUARDED_BY(mutex_);
  absl::Time connect_tried_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();
};

}  // namespace hotplugger::agent
