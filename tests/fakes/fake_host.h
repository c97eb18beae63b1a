// A model of a host's kernel: a tree that stands for /sys, and the writer that changes it as the
// kernel would. It is the fake twin of hotplugger-writer plus the kernel behind it.
#pragma once

#include <algorithm>
#include <cerrno>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "agent/devices/kernel_writer.h"
#include "common/cpu_list.h"
#include "common/error_info.h"
#include "common/mutex.h"
#include "tests/fakes/temp_dir.h"

namespace hotplugger::testing {

// Safe for concurrent use.
class FakeHost final : public agent::KernelWriter {
 public:
  // CPUs 0 to `cpus`-1, all online; those in `fixed` have no `online` file.
  explicit FakeHost(int cpus, std::set<int> fixed = {0}) : fixed_(std::move(fixed)) {
    MutexLock lock(&mutex_);
    for (int cpu = 0; cpu < cpus; ++cpu) {
      present_.insert(cpu);
      online_.insert(cpu);
    }
    WriteTree();
  }

  const std::string& root() const { return dir_.path(); }
  const TempDir& dir() const { return dir_; }

  // The kernel's drivers are asked here; none: ENOENT.
  void SetDriverWriter(agent::KernelWriter* writer) { driver_writer_ = writer; }

  // The next writes to `cpu` answer this errno, until it is set to 0.
  void FailCpu(int cpu, int error_number) {
    MutexLock lock(&mutex_);
    errors_[cpu] = error_number;
  }

  // From now on writes say 0 and change nothing.
  void SetLying(bool lying) {
    MutexLock lock(&mutex_);
    lying_ = lying;
  }

  // From now on acts are answered as by a stuck kernel.
  void SetStuck(bool stuck) {
    MutexLock lock(&mutex_);
    stuck_ = stuck;
  }

  // Somebody else switches a CPU.
  void SwitchBehindOurBack(int cpu, bool online) {
    MutexLock lock(&mutex_);
    Switch(cpu, online);
  }

  CpuSet online() {
    MutexLock lock(&mutex_);
    return online_;
  }

  // "cpu3=0" for each write that reached the kernel.
  std::vector<std::string> writes() {
    MutexLock lock(&mutex_);
    return writes_;
  }

  absl::StatusOr<int> SetCpuOnline(int cpu, bool online, absl::Time /*deadline*/) override {
    MutexLock lock(&mutex_);
    if (stuck_) {
      return MakeError(absl::StatusCode::kDeadlineExceeded, "STUCK", "the kernel does not answer");
    }
    writes_.push_back(absl::StrCat("cpu", cpu, "=", online ? 1 : 0));
    if (present_.count(cpu) == 0 || fixed_.count(cpu) > 0) return ENOENT;
    if (const int error_number = errors_[cpu]; error_number != 0) return error_number;
    if (!online && online_ == CpuSet{cpu}) return EBUSY;
    if (!lying_) Switch(cpu, online);
    return 0;
  }

  absl::StatusOr<int> SetKernelDriver(absl::string_view driver, bool running,
                                      absl::Time deadline) override {
    if (driver_writer_ == nullptr) return ENOENT;
    return driver_writer_->SetKernelDriver(driver, running, deadline);
  }

 private:
  void Switch(int cpu, bool online) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (online) {
      online_.insert(cpu);
    } else {
      online_.erase(cpu);
    }
    WriteTree();
  }

  void WriteTree() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    CpuSet offline;
    std::set_difference(present_.begin(), present_.end(), online_.begin(), online_.end(),
                        std::inserter(offline, offline.end()));
    const std::string folder = "devices/system/cpu/";
    for (const int cpu : present_) {
      if (fixed_.count(cpu) > 0) continue;
      WriteFile(absl::StrCat(folder, "cpu", cpu, "/online"), online_.count(cpu) > 0 ? "1" : "0");
    }
    WriteFile(folder + "online", FormatCpuList(online_));
    WriteFile(folder + "offline", FormatCpuList(offline));
    WriteFile(folder + "present", FormatCpuList(present_));
  }

  // Renamed into place, for sysfs never shows half a value.
  void WriteFile(const std::string& name, const std::string& value) {
    dir_.Write(name + ".new", value + "\n");
    std::filesystem::rename(dir_.Path(name + ".new"), dir_.Path(name));
  }

  const TempDir dir_;
  const std::set<int> fixed_;
  agent::KernelWriter* driver_writer_ = nullptr;
  Mutex mutex_;
  CpuSet present_ ABSL_GUARDED_BY(mutex_);
  CpuSet online_ ABSL_GUARDED_BY(mutex_);
  std::map<int, int> errors_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::string> writes_ ABSL_GUARDED_BY(mutex_);
  bool lying_ ABSL_GUARDED_BY(mutex_) = false;
  bool stuck_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace hotplugger::testing
