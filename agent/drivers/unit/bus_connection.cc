#include "agent/drivers/unit/bus_connection.h"

#include <sdbus-c++/sdbus-c++.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <thread>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "common/errno_status.h"
#include "common/mutex.h"
#include "common/status_macros.h"

namespace hotplugger::agent {

using Connection = absl::StatusOr<std::unique_ptr<sdbus::IConnection>>;

namespace {

constexpr absl::string_view kUnixPath = "unix:path=";

// Whether somebody listens there. sdbus-c++ 1.2 leaks a bus that it was given an address of and
// can't open, so it is asked only where it can.
absl::Status Probe(const std::string& address) {
  sockaddr_un socket_address = {};
  socket_address.sun_family = AF_UNIX;
  const std::string path(absl::StripPrefix(address, kUnixPath));
  if (!absl::StartsWith(address, kUnixPath) || path.find_first_of(",;%") != std::string::npos ||
      path.size() >= sizeof socket_address.sun_path) {
    return absl::OkStatus();
  }
  memcpy(socket_address.sun_path, path.data(), path.size());
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return absl::UnavailableError(absl::StrCat("socket: ", ErrnoName(errno)));
  const int result =
      connect(fd, reinterpret_cast<const sockaddr*>(&socket_address), sizeof socket_address);
  // EAGAIN: it is there and has no time.
  const int error_number = result == 0 || errno == EAGAIN ? 0 : errno;
  close(fd);
  if (error_number == 0) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat(path, ": ", ErrnoName(error_number)));
}

Connection Connect(const std::string& address) {
  RETURN_IF_ERROR(Probe(address));
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
