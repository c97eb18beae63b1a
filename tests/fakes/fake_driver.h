// A hotplug driver that does as a test tells it.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "agent/drivers/driver.h"
#include "common/mutex.h"

namespace hotplugger::agent {

// What drivers were asked, in order: "start alucard", "stop mpdecision". Safe for concurrent use.
class CallLog {
 public:
  void Add(std::string call) {
    MutexLock lock(&mutex_);
    calls_.push_back(std::move(call));
  }
  std::vector<std::string> Take() {
    MutexLock lock(&mutex_);
    return std::exchange(calls_, {});
  }

 private:
  Mutex mutex_;
  std::vector<std::string> calls_ ABSL_GUARDED_BY(mutex_);
};

// Set up before it is registered; then safe for concurrent use, but for the setters of hooks.
class FakeDriver final : public HotplugDriver {
 public:
  // Called by ChangeState before the state changes; an error is the driver's answer, and then the
  // state stays. It may call the registry, move a clock, or stop other drivers.
  using Hook = std::function<absl::Status(bool running, absl::Time deadline)>;

  FakeDriver(std::string name, DriverWhitelist whitelist,
             v1::DriverProvider provider = v1::DRIVER_PROVIDER_UNSPECIFIED)
      : name_(std::move(name)), whitelist_(std::move(whitelist)), provider_(provider) {}

  absl::string_view name() const override { return name_; }
  v1::DriverProvider provider() const override { return provider_; }
  DriverWhitelist whitelist() const override { return whitelist_; }
  bool calls_disable_conflicts() const override { return calls_disable_conflicts_; }

  absl::Status ChangeState(bool running, absl::Time deadline) override {
    if (log_ != nullptr) log_->Add(absl::StrCat(running ? "start " : "stop ", name_));
    if (hook_) {
      if (absl::Status status = hook_(running, deadline); !status.ok()) return status;
    }
    told_ = remark_;
    const absl::Status answer = running ? start_answer_ : stop_answer_;
    if (answer.ok() && !lies_) set_running(running);
    return answer;
  }

  std::string TakeRemark() override { return std::exchange(told_, ""); }

  absl::StatusOr<bool> IsRunning() override {
    MutexLock lock(&mutex_);
    if (!ask_answer_.ok()) return ask_answer_;
    return running_;
  }

  // Behind the registry's back.
  void set_running(bool running) {
    MutexLock lock(&mutex_);
    running_ = running;
  }
  bool running() {
    MutexLock lock(&mutex_);
    return running_;
  }
  // An error: it can't be asked.
  void set_ask_answer(absl::Status status) {
    MutexLock lock(&mutex_);
    ask_answer_ = std::move(status);
  }

  void set_log(CallLog* log) { log_ = log; }
  void set_hook(Hook hook) { hook_ = std::move(hook); }
  void set_start_answer(absl::Status status) { start_answer_ = std::move(status); }
  void set_stop_answer(absl::Status status) { stop_answer_ = std::move(status); }
  // Says that it changed, and doesn't.
  void set_lies(bool lies) { lies_ = lies; }
  // Of every change that is done.
  void set_remark(std::string remark) { remark_ = std::move(remark); }
  void set_calls_disable_conflicts(bool calls) { calls_disable_conflicts_ = calls; }

 private:
  const std::string name_;
  const DriverWhitelist whitelist_;
  const v1::DriverProvider provider_;
  bool calls_disable_conflicts_ = false;
  bool lies_ = false;
  std::string remark_;
  std::string told_;
  CallLog* log_ = nullptr;
  Hook hook_;
  absl::Status start_answer_;
  absl::Status stop_answer_;
  Mutex mutex_;
  bool running_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status ask_answer_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace hotplugger::agent
