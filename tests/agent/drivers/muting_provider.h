// Another provider's drivers, of which one does not answer whether it runs.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "agent/drivers/driver_provider.h"
#include "common/clock.h"
#include "common/mutex.h"

namespace hotplugger::agent {

// Which driver that is. Safe for concurrent use.
class Mute {
 public:
  // Empty: none, and whoever waits gets an answer.
  void Set(std::string driver) {
    MutexLock lock(&mutex_);
    driver_ = std::move(driver);
    changed_.NotifyAll();
  }
  void AwaitVoice(absl::string_view driver) {
    MutexLock lock(&mutex_);
    const absl::Time give_up = SteadyNow() + absl::Seconds(60);
    while (driver_ == driver && SteadyNow() < give_up) changed_.WaitUntil(&mutex_, give_up);
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  std::string driver_ ABSL_GUARDED_BY(mutex_);
};

class MutingProvider final : public DriverProvider {
 public:
  // Outlives this.
  explicit MutingProvider(DriverProvider& provider) : provider_(provider) {}

  Mute& mute() { return *mute_; }
  v1::DriverProvider kind() const override { return provider_.kind(); }
  absl::StatusOr<DriverList> Refresh() override {
    absl::StatusOr<DriverList> list = provider_.Refresh();
    if (!list.ok()) return list;
    for (auto& driver : list->drivers) driver = std::make_shared<Driver>(std::move(driver), mute_);
    return list;
  }

 private:
  class Driver final : public HotplugDriver {
   public:
    Driver(std::shared_ptr<HotplugDriver> driver, std::shared_ptr<Mute> mute)
        : driver_(std::move(driver)), mute_(std::move(mute)) {}

    absl::string_view name() const override { return driver_->name(); }
    v1::DriverProvider provider() const override { return driver_->provider(); }
    DriverWhitelist whitelist() const override { return driver_->whitelist(); }
    absl::Status ChangeState(bool running, absl::Time deadline) override {
      return driver_->ChangeState(running, deadline);
    }
    absl::StatusOr<bool> IsRunning() override {
      mute_->AwaitVoice(name());
      return driver_->IsRunning();
    }

   private:
    const std::shared_ptr<HotplugDriver> driver_;
    const std::shared_ptr<Mute> mute_;
  };

  DriverProvider& provider_;
  const std::shared_ptr<Mute> mute_ = std::make_shared<Mute>();
};

}  // namespace hotplugger::agent
