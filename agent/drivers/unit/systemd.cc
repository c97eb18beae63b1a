#include "agent/drivers/unit/systemd.h"

#include <sdbus-c++/sdbus-c++.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/clock.h"
#include "common/error_info.h"
#include "common/status_macros.h"

namespace hotplugger::agent {
namespace {

constexpr char kService[] = "org.freedesktop.systemd1";
constexpr char kManagerPath[] = "/org/freedesktop/systemd1";
constexpr char kManager[] = "org.freedesktop.systemd1.Manager";
constexpr char kUnit[] = "org.freedesktop.systemd1.Unit";
constexpr char kProperties[] = "org.freedesktop.DBus.Properties";
// Between attempts to connect, so that a host without a bus isn't asked for it all the time.
constexpr absl::Duration kConnectInterval = absl::Seconds(1);

// For so long one that didn't answer isn't waited for again.
constexpr absl::Duration kHangMemory = absl::Seconds(1);

// Of one call, however long the switch may take: all of them answer at once where all is well.
constexpr absl::Duration kMaxCall = absl::Seconds(10);

// Zero would mean sdbus's own, which is 25 s.
std::chrono::microseconds TimeLeft(absl::Time deadline) {
  const absl::Duration left = std::clamp(deadline - SteadyNow(), absl::Milliseconds(1), kMaxCall);
  return std::chrono::microseconds(absl::ToInt64Microseconds(left));
}

bool IsOneOf(const std::string& name, std::initializer_list<const char*> names) {
  return std::any_of(names.begin(), names.end(),
                     [&name](const char* other) { return name == other; });
}

bool SaysThatTheConnectionIsGone(const std::string& name) {
  return IsOneOf(name,
                 {"org.freedesktop.DBus.Error.Disconnected", "org.freedesktop.DBus.Error.NoServer",
                  "System.Error.ENOTCONN", "System.Error.ECONNRESET", "System.Error.EPIPE",
                  "System.Error.ECONNREFUSED", "System.Error.ENOENT", "System.Error.ESTALE",
                  "org.freedesktop.DBus.Error.FileNotFound"});
}

absl::Status NoServiceManager(absl::string_view cause) {
  return MakeError(absl::StatusCode::kUnavailable, "NO_SERVICE_MANAGER",
                   absl::StrCat("systemd can't be asked over D-Bus (", cause,
                                "); in a container, mount the host's /run/dbus"),
                   {{"retry", "CONDITIONAL"}});
}

absl::Status NoAnswer(absl::string_view cause) {
  return MakeError(absl::StatusCode::kDeadlineExceeded, "SERVICE_MANAGER_HANGS",
                   absl::StrCat("systemd has not answered in time (", cause, ")"),
                   {{"retry", "TRANSIENT"}});
}

absl::Status ToStatus(const sdbus::Error& error) {
  const std::string& name = error.getName();
  const std::string cause = absl::StrCat(name, ": ", error.getMessage());
  if (IsOneOf(name, {"org.freedesktop.DBus.Error.NoReply", "org.freedesktop.DBus.Error.Timeout",
                     "System.Error.ETIMEDOUT"})) {
    return NoAnswer(cause);
  }
  if (SaysThatTheConnectionIsGone(name) ||
      IsOneOf(name, {"org.freedesktop.DBus.Error.ServiceUnknown",
                     "org.freedesktop.DBus.Error.NameHasNoOwner"})) {
    return NoServiceManager(cause);
  }
  return MakeError(absl::StatusCode::kFailedPrecondition, "UNIT_REFUSED",
                   absl::StrCat("systemd refused: ", cause));
}

}  // namespace

Systemd::Systemd(std::string address) : address_(std::move(address)) {}

Systemd::~Systemd() {
  MutexLock lock(&mutex_);
  Disconnect();
}

absl::Status Systemd::Connect(absl::Time deadline) {
  if (manager_ != nullptr) return absl::OkStatus();
  if (attempt_ == nullptr) {
    if (SteadyNow() - connect_tried_ < kConnectInterval) return connect_error_;
    connect_tried_ = SteadyNow();
    attempt_ = std::make_unique<BusConnectionAttempt>(address_);
  }
  // One that hangs is not begun again, but waited for by whoever asks.
  if (!attempt_->Wait(std::min(deadline, SteadyNow() + kMaxCall))) {
    return NoAnswer("the bus has not greeted us");
  }
  absl::StatusOr<std::unique_ptr<sdbus::IConnection>> connection = attempt_->Take();
  attempt_.reset();
  connect_error_ =
      connection.ok() ? absl::OkStatus() : NoServiceManager(connection.status().message());
  RETURN_IF_ERROR(connect_error_);
  connection_ = *std::move(connection);
  manager_ = sdbus::createProxy(*connection_, kService, kManagerPath);
  return absl::OkStatus();
}

void Systemd::Disconnect() {
  manager_.reset();
  connection_.reset();
}

template <typename Call>
absl::Status Systemd::Run(absl::Time deadline, Call call) {
  try {
    RETURN_IF_ERROR(Connect(deadline));
    call();
    return absl::OkStatus();
  } catch (const sdbus::Error& error) {
    const bool gone = SaysThatTheConnectionIsGone(error.getName());
    absl::Status status = ToStatus(error);
    // The next question connects anew.
    if (gone) {
      Disconnect();
      connect_tried_ = absl::InfinitePast();
    }
    return status;
  }
}

absl::StatusOr<UnitState> Systemd::ReadState(const std::string& unit, absl::Time deadline) {
  MutexLock lock(&mutex_);
  const absl::Time began = SteadyNow();
  if (began - hung_at_ < kHangMemory && deadline - began <= hung_for_) {
    return NoAnswer("nor had it a moment ago");
  }
  UnitState state;
  const absl::Status status = ReadUnit(unit, deadline, &state);
  if (absl::IsDeadlineExceeded(status)) {
    hung_at_ = SteadyNow();
    // Calls may time out a little early.
    hung_for_ = hung_at_ - began + absl::Milliseconds(10);
  }
  if (!status.ok()) return status;
  hung_at_ = absl::InfinitePast();
  return state;
}

absl::Status Systemd::ReadUnit(const std::string& unit, absl::Time deadline, UnitState* state) {
  // LoadUnit also knows units that nobody has started yet; one that isn't there it makes up, as
  // "not-found".
  const absl::Status status = Run(deadline, [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    sdbus::ObjectPath path;
    manager_->callMethod("LoadUnit")
        .onInterface(kManager)
        .withTimeout(TimeLeft(deadline))
        .withArguments(unit)
        .storeResultsTo(path);
    const auto proxy = sdbus::createProxy(*connection_, kService, path);
    const auto read = [&](const char* property) {
      sdbus::Variant value;
      proxy->callMethod("Get")
          .onInterface(kProperties)
          .withTimeout(TimeLeft(deadline))
          .withArguments(kUnit, property)
          .storeResultsTo(value);
      return value;
    };
    state->load = read("LoadState").get<std::string>();
    // Before the state: what a job has done shows once it is gone.
    state->job = read("Job").get<sdbus::Struct<uint32_t, sdbus::ObjectPath>>().get<0>() != 0;
    state->active = read("ActiveState").get<std::string>();
  });
  if (!absl::StrContains(status.message(), "NoSuchUnit")) return status;
  *state = {"not-found", "inactive", false};
  return absl::OkStatus();
}

absl::Status Systemd::Request(const std::string& unit, bool running, absl::Time deadline) {
  MutexLock lock(&mutex_);
  return Run(deadline, [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    sdbus::ObjectPath job;
    manager_->callMethod(running ? "StartUnit" : "StopUnit")
        .onInterface(kManager)
        .withTimeout(TimeLeft(deadline))
        .withArguments(unit, "replace")
        .storeResultsTo(job);
  });
}

}  // namespace hotplugger::agent
