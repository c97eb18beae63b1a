// A model of a host's kernel: a tree that stands for the host's root, and the writer that changes
// it as the kernel would (kernel 1.2, 2.2, 2.3, 3.2). It is the fake twin of hotplugger-writer plus
// the kernel behind it.
#pragma once

#include <cerrno>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "agent/devices/operations/kernel_writer.h"
#include "common/cpu_list.h"
#include "common/error_info.h"
#include "common/mutex.h"
#include "tests/fakes/fake_host_tree.h"
#include "tests/fakes/temp_dir.h"

namespace hotplugger::testing {

// Safe for concurrent use. One lock, as the kernel has it.
class FakeHost final : public agent::KernelWriter {
 public:
  // CPUs 0 to `cpus`-1, all online, without SMT or memory hotplug.
  explicit FakeHost(int cpus, CpuSet fixed = {0})
      : FakeHost(FakeHostOptions{.cpus = cpus, .fixed = std::move(fixed)}) {}

  explicit FakeHost(FakeHostOptions options) : tree_(std::move(options)) {
    MutexLock lock(&mutex_);
    for (int cpu = 0; cpu < tree_.options().cpus; ++cpu) {
      state_.present.insert(cpu);
      state_.online.insert(cpu);
    }
    int number = 0;
    for (const char zone : tree_.options().blocks) {
      state_.blocks[number++] = {.online = zone != '-', .zone = zone};
    }
    for (const auto& container : tree_.options().containers) {
      state_.containers[container.first] = true;
    }
    state_.smt = tree_.options().threads_per_core > 1 ? "on" : "notsupported";
    tree_.Write(state_);
  }

  const std::string& root() const { return dir().path(); }
  const TempDir& dir() const { return tree_.dir(); }

  // The kernel's drivers are asked here; none: ENOENT.
  void SetDriverWriter(agent::KernelWriter* writer) { driver_writer_ = writer; }

  // The next `times` writes to the device ("cpu3", "memory8", "smt", ...) answer this errno; 0: as
  // the kernel would again. A CPU's errno also stops SMT at that CPU.
  void Fail(const std::string& device, int error_number, int times = 1'000'000) {
    MutexLock lock(&mutex_);
    errors_[device] = {error_number, times};
  }
  void FailCpu(int cpu, int error_number) { Fail(absl::StrCat("cpu", cpu), error_number); }

  // Taking this block offline never ends: at its deadline, which is at once, it is aborted.
  // `meanwhile` is called while the block's state reads going-offline, under the kernel's lock.
  void NeverGoes(
      int block, std::function<void()> meanwhile = [] {}) {
    MutexLock lock(&mutex_);
    endless_[block] = std::move(meanwhile);
  }

  // From now on this CPU stops on its way, though the kernel says 0.
  void StopsHalfWay(int cpu) {
    MutexLock lock(&mutex_);
    state_.half_way.insert(cpu);
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

  // Called with "cpu3=0" before the kernel does anything, and after it has, without the lock.
  void SetHooks(std::function<void(const std::string&)> before,
                std::function<void(const std::string&)> after) {
    before_ = std::move(before);
    after_ = std::move(after);
  }

  // Somebody else switches a CPU, a block or SMT ("on", "off").
  void SwitchBehindOurBack(int cpu, bool online) {
    Alter([&](FakeHostState& state) { SwitchCpu(state, cpu, online); });
  }
  void SwitchBlockBehindOurBack(int block, bool online) {
    Alter([&](FakeHostState& state) { state.blocks[block].online = online; });
  }
  void SetSmtBehindOurBack(const std::string& control) {
    MutexLock lock(&mutex_);
    WriteSmt(control);
    tree_.Write(state_);
  }

  // Hot-added devices come offline (contract 25).
  void AddCpu(int cpu) {
    Alter([&](FakeHostState& state) { state.present.insert(cpu); });
  }
  void AddBlock(int block) {
    Alter([&](FakeHostState& state) { state.blocks[block] = FakeBlock(); });
  }
  void RemoveCpu(int cpu) {
    Alter([&](FakeHostState& state) {
      state.present.erase(cpu);
      state.online.erase(cpu);
      tree_.RemoveCpu(cpu);
    });
  }
  void RemoveBlock(int block) {
    Alter([&](FakeHostState& state) {
      state.blocks.erase(block);
      tree_.RemoveBlock(block);
    });
  }

  // Takes over what the files say, after a forked process has acted on its copy of this host.
  void Reload() {
    MutexLock lock(&mutex_);
    state_ = tree_.Read(std::move(state_));
  }

  CpuSet online() {
    MutexLock lock(&mutex_);
    return state_.online;
  }
  NumberSet online_blocks() {
    MutexLock lock(&mutex_);
    NumberSet online;
    for (const auto& [number, block] : state_.blocks) {
      if (block.online) online.insert(number);
    }
    return online;
  }
  // 'k', 'm', ...: of a block that is there.
  char zone_of(int block) {
    MutexLock lock(&mutex_);
    return state_.blocks.at(block).zone;
  }
  std::string smt() {
    MutexLock lock(&mutex_);
    return state_.smt;
  }

  // "cpu3=0" for each write that reached the kernel.
  std::vector<std::string> writes() {
    MutexLock lock(&mutex_);
    return writes_;
  }
  // Of the latest act.
  absl::Time deadline() {
    MutexLock lock(&mutex_);
    return deadline_;
  }

  absl::StatusOr<Answer> Change(const agent::DeviceChange& change, absl::Time deadline) override {
    const std::string name = agent::FormatDeviceName(change.device);
    return Act(name, absl::StrCat(name, "=", Value(change)), deadline,
               [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return Apply(change); });
  }

  absl::StatusOr<Answer> SetSmt(const agent::SmtChange& change, absl::Time deadline) override {
    const std::string word = SmtWord(change);
    return Act("smt", absl::StrCat("smt=", word), deadline,
               [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
                 return Answer{.error_number = WriteSmt(word)};
               });
  }

  absl::StatusOr<int> SetKernelDriver(absl::string_view driver, bool running,
                                      absl::Time deadline) override {
    if (driver_writer_ == nullptr) return ENOENT;
    return driver_writer_->SetKernelDriver(driver, running, deadline);
  }

  // Knobs have models of their own.
  absl::StatusOr<int> SetKnob(const std::string& path, const std::string& value,
                              absl::Time deadline) override {
    if (driver_writer_ == nullptr) return EACCES;
    return driver_writer_->SetKnob(path, value, deadline);
  }
  void AllowKnobs(std::vector<std::string> patterns) override {
    if (driver_writer_ != nullptr) driver_writer_->AllowKnobs(std::move(patterns));
  }

 private:
  static std::string Value(const agent::DeviceChange& change) {
    if (!change.online) return "0";
    if (change.zone == v1::MEMORY_ZONE_MOVABLE) return "movable";
    return change.zone == v1::MEMORY_ZONE_KERNEL ? "kernel" : "1";
  }

  static std::string SmtWord(const agent::SmtChange& change) {
    switch (change.control) {
      case v1::SMT_CONTROL_ON:
        return "on";
      case v1::SMT_CONTROL_FORCEOFF:
        return "forceoff";
      case v1::SMT_CONTROL_PARTIAL:
        return absl::StrCat(change.threads_per_core);
      default:
        return "off";
    }
  }

  template <typename Deed>
  void Alter(Deed deed) {
    MutexLock lock(&mutex_);
    deed(state_);
    tree_.Write(state_);
  }

  static void SwitchCpu(FakeHostState& state, int cpu, bool online) {
    if (online) {
      state.online.insert(cpu);
    } else {
      state.online.erase(cpu);
    }
  }

  template <typename Deed>
  absl::StatusOr<Answer> Act(const std::string& device, const std::string& text,
                             absl::Time deadline, Deed deed) {
    if (before_) before_(text);
    absl::StatusOr<Answer> answer = Locked(device, text, deadline, deed);
    if (after_) after_(text);
    return answer;
  }

  template <typename Deed>
  absl::StatusOr<Answer> Locked(const std::string& device, const std::string& text,
                                absl::Time deadline, Deed deed) {
    MutexLock lock(&mutex_);
    deadline_ = deadline;
    if (stuck_) {
      return MakeError(absl::StatusCode::kDeadlineExceeded, "STUCK", "the kernel does not answer");
    }
    writes_.push_back(text);
    if (const int error_number = TakeError(device); error_number != 0) {
      return Answer{.error_number = error_number};
    }
    if (lying_) return Answer{};
    const Answer answer = deed();
    tree_.Write(state_);
    return answer;
  }

  // What Fail ordered for the device; 0: nothing.
  int TakeError(const std::string& device) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const auto error = errors_.find(device);
    if (error == errors_.end() || error->second.second == 0) return 0;
    --error->second.second;
    return error->second.first;
  }

  Answer Apply(const agent::DeviceChange& change) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    switch (change.device.kind) {
      case v1::DEVICE_KIND_CPU:
        return {.error_number = WriteCpu(change.device.number, change.online)};
      case v1::DEVICE_KIND_MEMORY:
        return WriteBlock(change);
      default:
        return {.error_number = WriteContainer(change)};
    }
  }

  int WriteCpu(int cpu, bool online) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (state_.present.count(cpu) == 0 || tree_.options().fixed.count(cpu) > 0) return ENOENT;
    if (!online && state_.online == CpuSet{cpu}) return EBUSY;
    const bool smt_off = state_.smt == "off" || state_.smt == "forceoff";
    if (online && smt_off && tree_.ThreadOf(cpu) > 0) return EPERM;
    SwitchCpu(state_, cpu, online);
    return 0;
  }

  // `state`, not `online`: what is so already is EINVAL there.
  Answer WriteBlock(const agent::DeviceChange& change) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const auto found = state_.blocks.find(change.device.number);
    if (found == state_.blocks.end()) return {.error_number = ENOENT};
    FakeBlock& block = found->second;
    if (block.online == change.online) return {.error_number = EINVAL};
    if (change.online) {
      // Unasked, the kernel takes the first of valid_zones.
      block = {.online = true, .zone = change.zone == v1::MEMORY_ZONE_MOVABLE ? 'm' : 'k'};
      return {};
    }
    if (block.zone == 'n') return {.error_number = EINVAL};
    if (const auto endless = endless_.find(found->first); endless != endless_.end()) {
      block.going = true;
      tree_.Write(state_);
      endless->second();
      block.going = false;
      return {.error_number = EINTR, .aborted = true};
    }
    if (block.zone == 'k') return {.error_number = EBUSY};
    block.online = false;
    return {};
  }

  int WriteContainer(const agent::DeviceChange& change) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const std::string name = agent::FormatDeviceName(change.device);
    const auto found = state_.containers.find(name);
    if (found == state_.containers.end()) return ENOENT;
    for (const std::string& below : tree_.options().containers.at(name)) {
      if (!change.online && state_.IsOnline(below)) return EBUSY;
    }
    found->second = change.online;
    return 0;
  }

  // Off takes the secondary threads and stops at the first that fails, with control as it was; on
  // brings up every thread of a core that is online in part, held or not (kernel 2.3).
  int WriteSmt(const std::string& word) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (state_.smt == "notsupported") return ENODEV;
    if (state_.smt == "forceoff") return EPERM;
    if (word != "on" && word != "off" && word != "forceoff") return EINVAL;
    const bool on = word == "on";
    if (on) state_.smt = word;
    const CpuSet before = state_.online;
    for (const int cpu : state_.present) {
      const bool concerned = on ? IsCoreOnline(cpu) : tree_.ThreadOf(cpu) > 0;
      if (!concerned || (before.count(cpu) > 0) == on) continue;
      const int error_number = TakeError(absl::StrCat("cpu", cpu));
      if (error_number != 0) return error_number;
      SwitchCpu(state_, cpu, on);
    }
    state_.smt = word;
    return 0;
  }

  bool IsCoreOnline(int cpu) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    for (const int other : state_.online) {
      if (tree_.CoreOf(other) == tree_.CoreOf(cpu)) return true;
    }
    return false;
  }

  agent::KernelWriter* driver_writer_ = nullptr;
  std::function<void(const std::string&)> before_;
  std::function<void(const std::string&)> after_;
  Mutex mutex_;
  FakeHostTree tree_;
  FakeHostState state_ ABSL_GUARDED_BY(mutex_);
  // By device: the errno, and how often yet.
  std::map<std::string, std::pair<int, int>> errors_ ABSL_GUARDED_BY(mutex_);
  std::map<int, std::function<void()>> endless_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::string> writes_ ABSL_GUARDED_BY(mutex_);
  absl::Time deadline_ ABSL_GUARDED_BY(mutex_);
  bool lying_ ABSL_GUARDED_BY(mutex_) = false;
  bool stuck_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace hotplugger::testing
