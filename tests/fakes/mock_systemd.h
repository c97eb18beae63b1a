// A D-Bus of the test's own with a mock of systemd on it (python-dbusmock).
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sdbus-c++/sdbus-c++.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "tests/fakes/temp_dir.h"

namespace hotplugger::testing {

// A child that ends with this object.
class ChildProcess {
 public:
  ChildProcess(std::vector<std::string> arguments, std::vector<std::string> environment) {
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    std::vector<char*> envp;
    for (std::string& variable : environment) envp.push_back(variable.data());
    for (char** variable = environ; *variable != nullptr; ++variable) envp.push_back(*variable);
    envp.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    // What the daemons say is not the test's.
    for (const int stream : {1, 2}) {
      posix_spawn_file_actions_addopen(&actions, stream, "/dev/null", O_WRONLY, 0);
    }
    posix_spawnp(&pid_, argv[0], &actions, nullptr, argv.data(), envp.data());
    posix_spawn_file_actions_destroy(&actions);
  }
  ~ChildProcess() { Kill(); }
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  // Stands still, or goes on.
  void Freeze(bool frozen) { kill(pid_, frozen ? SIGSTOP : SIGCONT); }

  void Kill() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }

 private:
  pid_t pid_ = -1;
};

class MockSystemd {
 public:
  MockSystemd() { StartBus(); }

  // Of the bus.
  std::string address() const { return absl::StrCat("unix:path=", directory_.Path("bus")); }

  // The unit is there from now on, as it is, and does as `behaviour` says: see mock_systemd.py.
  void Define(const std::string& unit, bool running, const std::string& behaviour = "works") {
    Call([&](sdbus::IProxy& proxy) {
      proxy.callMethod("Define").onInterface(kInterface).withArguments(unit, running, behaviour);
    });
  }
  // Whatever state it is in.
  void Mask(const std::string& unit) {
    Call([&](sdbus::IProxy& proxy) {
      proxy.callMethod("Mask").onInterface(kInterface).withArguments(unit);
    });
  }
  // Jobs that hang end, as those of services that systemd kills at last.
  void LetGo() {
    Call([](sdbus::IProxy& proxy) { proxy.callMethod("LetGo").onInterface(kInterface); });
  }
  void Remove(const std::string& unit) {
    Call([&](sdbus::IProxy& proxy) {
      proxy.callMethod("Remove").onInterface(kInterface).withArguments(unit);
    });
  }

  // "active", ...
  std::string ActiveState(const std::string& unit) {
    std::string state;
    Call([&](sdbus::IProxy& manager) {
      sdbus::ObjectPath path;
      manager.callMethod("LoadUnit")
          .onInterface("org.freedesktop.systemd1.Manager")
          .withArguments(unit)
          .storeResultsTo(path);
      const auto proxy = sdbus::createProxy(*connection_, kService, path);
      sdbus::Variant value;
      proxy->callMethod("Get")
          .onInterface("org.freedesktop.DBus.Properties")
          .withArguments("org.freedesktop.systemd1.Unit", "ActiveState")
          .storeResultsTo(value);
      state = value.get<std::string>();
    });
    return state;
  }

  // The bus goes, and every connection with it; then it may come again, with a new systemd.
  void CutBus() {
    connection_.reset();
    bus_->Kill();
    systemd_->Kill();
  }
  // systemd is there and answers nobody; it does what it was asked once it is no longer frozen.
  void Freeze(bool frozen) { systemd_->Freeze(frozen); }
  // The bus is there and answers nobody.
  void FreezeBus(bool frozen) { bus_->Freeze(frozen); }
  // With these units, in quotes and separated by commas, which are stopped and work.
  void StartBus(const std::string& stopped_units = "") {
    directory_.Remove("bus");
    // Without the machine's own services, which the daemon would start.
    directory_.Write("bus.conf", absl::StrCat(R"(<!DOCTYPE busconfig PUBLIC
 "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>)",
                                              address(), R"(</listen>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
)"));
    bus_ = std::make_unique<ChildProcess>(
        std::vector<std::string>{"dbus-daemon", "--nofork", "--nopidfile",
                                 absl::StrCat("--config-file=", directory_.Path("bus.conf"))},
        std::vector<std::string>());
    for (int i = 0; i < 500 && access(directory_.Path("bus").c_str(), F_OK) != 0; ++i) Nap();
    systemd_ = std::make_unique<ChildProcess>(
        // Debian's, which has the module, whichever else comes first in PATH.
        std::vector<std::string>{"/usr/bin/python3", "-m", "dbusmock", "--session", "--template",
                                 HOTPLUGGER_SOURCE_DIR "/tests/fakes/mock_systemd.py",
                                 "--parameters", "{\"stopped\": [" + stopped_units + "]}"},
        std::vector<std::string>{absl::StrCat("DBUS_SESSION_BUS_ADDRESS=", address())});
    bool answers = false;
    for (int i = 0; i < 500 && !answers; ++i, Nap()) answers = Answers();
    if (!answers) ADD_FAILURE() << "no mock of systemd: is python3-dbusmock installed?";
  }

 private:
  static constexpr char kService[] = "org.freedesktop.systemd1";
  static constexpr char kInterface[] = "org.hotplugger.Mock";

  static void Nap() { absl::SleepFor(absl::Milliseconds(20)); }

  template <typename Deed>
  void Call(Deed deed) {
    if (connection_ == nullptr) {
      connection_ = sdbus::createSessionBusConnectionWithAddress(address());
    }
    const auto proxy = sdbus::createProxy(*connection_, kService, "/org/freedesktop/systemd1");
    deed(*proxy);
  }

  bool Answers() {
    try {
      ActiveState("none.service");
      return true;
    } catch (const sdbus::Error&) {
      connection_.reset();
      return false;
    }
  }

  TempDir directory_;
  std::unique_ptr<ChildProcess> bus_;
  std::unique_ptr<ChildProcess> systemd_;
  std::unique_ptr<sdbus::IConnection> connection_;
};

}  // namespace hotplugger::testing
