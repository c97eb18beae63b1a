#include "agent/devices/inventory/uevent_monitor.h"

#include <libudev.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <thread>
#include <utility>

#include "agent/devices/inventory/uevent_drain.h"
#include "common/errno_status.h"
#include "common/log.h"

namespace hotplugger::agent {
namespace {

// Toggling SMT on a large host sends hundreds of events of about 1 KiB at once (kernel 7).
constexpr int kReceiveBufferBytes = 2 * 1024 * 1024;
// Events that come this close together are one call.
constexpr int kCoalesceMs = 50;

// Whose devices go on- and offline (kernel 1, 4).
constexpr const char* kSubsystems[] = {"cpu", "memory", "container", "xen_cpu"};

// Below 0 where one can't be asked for.
int AddSubsystems(udev_monitor* monitor) {
  for (const char* subsystem : kSubsystems) {
    const int result = udev_monitor_filter_add_match_subsystem_devtype(monitor, subsystem, nullptr);
    if (result < 0) return result;
  }
  return 0;
}

class LibudevMonitor final : public UeventMonitor {
 public:
  LibudevMonitor(udev* library, udev_monitor* monitor, int stop_fd, AgentCounters& counters,
                 std::function<void()> changed)
      : library_(library),
        monitor_(monitor),
        stop_fd_(stop_fd),
        counters_(counters),
        changed_(std::move(changed)) {
    thread_ = std::thread([this] { Run(); });
  }

  ~LibudevMonitor() override {
    const uint64_t one = 1;
    if (write(stop_fd_, &one, sizeof one) != sizeof one) {
      Log(LogLevel::kError, "the uevent thread can't be told to stop");
    }
    thread_.join();
    udev_monitor_unref(monitor_);
    udev_unref(library_);
    close(stop_fd_);
  }

 private:
  void Run() {
    for (;;) {
      if (!WaitForEvent(-1)) return;
      bool news = Drain();
      // Wait for the burst to end before calling, but not for ever.
      for (int i = 0; i < 4 && PollOnce(kCoalesceMs) == 1; ++i) news |= Drain();
      if (news) changed_();
    }
  }

  // True when an event is there, false when the monitor is to stop.
  bool WaitForEvent(int timeout_ms) {
    int result = 0;
    do {
      result = PollOnce(timeout_ms);
    } while (result == 0);
    return result == 1;
  }

  // 1: events; 0: none; -1: stop.
  int PollOnce(int timeout_ms) {
    pollfd fds[] = {{udev_monitor_get_fd(monitor_), POLLIN, 0}, {stop_fd_, POLLIN, 0}};
    if (poll(fds, 2, timeout_ms) < 0) return 0;
    if (fds[1].revents != 0) return -1;
    return fds[0].revents != 0 ? 1 : 0;
  }

  // Whether there was news: an event of a device, or events lost (ENOBUFS). libudev drops messages
  // that the kernel did not send, and those of other subsystems, which wake this thread too.
  bool Drain() {
    const auto receive = [this] {
      udev_device* const device = udev_monitor_receive_device(monitor_);
      if (device == nullptr) return false;
      udev_device_unref(device);
      return true;
    };
    return DrainUevents(receive, counters_);
  }

  udev* const library_;
  udev_monitor* const monitor_;
  const int stop_fd_;
  AgentCounters& counters_;
  const std::function<void()> changed_;
  std::thread thread_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<UeventMonitor>> UeventMonitor::Create(
    AgentCounters& counters, std::function<void()> changed) {
  udev* library = udev_new();
  if (library == nullptr) return ErrnoStatus(errno, "opening", "libudev");
  udev_monitor* monitor = udev_monitor_new_from_netlink(library, "kernel");
  const int stop_fd = eventfd(0, EFD_CLOEXEC);
  if (monitor == nullptr || stop_fd < 0 || AddSubsystems(monitor) < 0 ||
      udev_monitor_enable_receiving(monitor) < 0) {
    const int error_number = errno;
    if (monitor != nullptr) udev_monitor_unref(monitor);
    udev_unref(library);
    if (stop_fd >= 0) close(stop_fd);
    return ErrnoStatus(error_number, "subscribing to", "kernel uevents (netlink)");
  }
  if (udev_monitor_set_receive_buffer_size(monitor, kReceiveBufferBytes) < 0) {
    Log(LogLevel::kWarning, "the uevent buffer stays at its default size; events may be lost");
  }
  return std::make_unique<LibudevMonitor>(library, monitor, stop_fd, counters, std::move(changed));
}

}  // namespace hotplugger::agent
