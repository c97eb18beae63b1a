#include "agent/drivers/unit/bus_connection.h"

#include <sdbus-c++/sdbus-c++.h>

#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/mutex.h"

namespace hotplugger::agent {

using Connection = absl::StatusOr<std::unique_ptr<sdbus::IConnection>>;

namespace {

Connection Connect(const std::string& address) {
  try {
    if (address.empty()) return sdbus::createSystemBusConnection();
    return sdbus::createSessionBusConnectionWithAddress(address);
  } catch (const sdbus::Error& error) {
    return absl::UnavailableError(absl::StrCat(error.getName(), ": ", error.getMessage()));
  }
}

}  // namespace

struct BusConnectionAttempt::Shared {
  Mutex mutex;
  CondVar changed;
  bool done ABSL_GUARDED_BY(mutex) = false;
  Connection connection ABSL_GUARDED_BY(mutex) = absl::UnavailableError("taken already");
};

BusConnectionAttempt::BusConnectionAttempt(std::string address)
    : shared_(std::make_shared<Shared>()) {
  std::thread([shared = shared_, address = std::move(address)] {
    Connection connection = Connect(address);
    MutexLock lock(&shared->mutex);
    shared->connection = std::move(connection);
    shared->done = true;
    shared->changed.NotifyAll();
  }).detach();
}

BusConnectionAttempt::~BusConnectionAttempt() = default;

bool BusConnectionAttempt::Wait(absl::Time deadline) {
  MutexLock lock(&shared_->mutex);
  while (!shared_->done && SteadyNow() < deadline) {
    shared_->changed.WaitUntil(&shared_->mutex, deadline);
  }
  return shared_->done;
}

Connection BusConnectionAttempt::Take() {
  MutexLock lock(&shared_->mutex);
  return std::exchange(shared_->connection, absl::UnavailableError("taken already"));
}

}  // namespace hotplugger::agent
