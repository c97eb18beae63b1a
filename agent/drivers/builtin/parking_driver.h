// A driver of the agent's own that parks and wakes whole cores as its rule says.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "agent/drivers/builtin/cpus_to_return.h"
#include "agent/drivers/builtin/energy_meter.h"
#include "agent/drivers/builtin/parking_records.h"
#include "agent/drivers/builtin/parking_rule.h"
#include "agent/drivers/builtin/settings.h"
#include "agent/drivers/cpu_control.h"
#include "agent/drivers/driver.h"
#include "common/clock.h"
#include "common/mutex.h"
#include "common/ticker.h"

namespace hotplugger::agent {

// Measures and acts on the operation queue's thread: ChangeState, Tick and Resume are called there.
// What is asked of it from other threads (IsRunning, AddDetails) waits for none of that.
//
// It holds off while another running driver conflicts with it, and gives back what it had parked.
// CPUs that somebody else brings online are no longer its own. Stopping it gives back every CPU. A
// CPU that it took, or may have taken, and that does not come back at once is tried again and
// again, running or not, and stays in its record until then.
class ParkingDriver final : public HotplugDriver,
                            public std::enable_shared_from_this<ParkingDriver> {
 public:
  // Kept for show.
  static constexpr size_t kMaxDecisions = 16;
  // After the host has refused to park a core.
  static constexpr absl::Duration kRefusalPause = absl::Seconds(60);

  using Task = absl::AnyInvocable<void()>;

  struct Parts {
    std::string name;
    std::string description;
    ParkingSettings settings;
    std::unique_ptr<ParkingRule> rule;
    CpuControl& control;
    ParkingRecords& records;
    EnergyMeter energy;
    std::unique_ptr<Ticker> ticker;
    // SteadyNow as a rule.
    Clock& clock;
    // Of this day, for decisions.
    Clock& wall_clock;
    // Puts a task on the operation queue.
    std::function<absl::Status(Task)> post;
    // Running drivers that are in conflict with this one. An error counts as one.
    std::function<absl::StatusOr<std::vector<std::string>>()> conflicts;
  };

  // All that is referred to outlives this.
  explicit ParkingDriver(Parts parts) : parts_(std::move(parts)), to_return_(parts_.control) {}

  absl::string_view name() const override { return parts_.name; }
  v1::DriverProvider provider() const override { return v1::DRIVER_PROVIDER_BUILTIN; }
  DriverWhitelist whitelist() const override { return parts_.settings.whitelist; }
  std::string description() const override { return parts_.description; }
  absl::Status ChangeState(bool running, absl::Time deadline) override;
  absl::StatusOr<bool> IsRunning() override;
  void AddDetails(v1::Driver* driver) override;

  // Goes on where an earlier agent ended: runs again with what it had parked, or gives that back.
  // Nothing where it has been started since.
  void Resume();

  // Measures no more; nothing is given back. For the agent's end, when
  // the operation queue has stopped.
  void Suspend() { parts_.ticker->Stop(); }

  // Measures once, and acts.
  void Tick();

 private:
  absl::Status Start();
  absl::Status Stop(absl::Time deadline);
  bool running();
  void StartTicking();
  // What an earlier agent parked is this one's to bring back, whatever is asked first.
  void TakeOverRecord();
  absl::Status TickOnce();
  void TickStopped();
  // The host as the driver counts it: in a dry run, as if what it decided were done. What is still
  // to come back isn't parked again.
  absl::StatusOr<CpuControl::View> Look();
  void ForgetWoken(const CpuControl::View& view);
  // Whether another driver is in the way; what was parked is given back then.
  bool HoldsOff();
  void Act(const ParkingWish& wish, const CpuControl::View& view);
  void Park(const CpuSet& core, const std::string& why);
  void Wake(const CpuSet& core, const std::string& why);
  // On an error some may be gone, or may yet go.
  absl::Status TakeOffline(const CpuSet& cpus);
  // `cpus` are parked no more; together with all else that is to come back they are brought online.
  absl::Status GiveBack(const CpuSet& cpus);
  absl::Status GiveBack(const CpuSet& cpus, absl::Time deadline);
  void RetryGivingBack();
  // Writes down what is parked or still to come back, where that isn't written yet.
  absl::Status SaveRecord(bool running);
  void Decide(std::string text);
  void SetActivity(std::string activity);
  void DescribeParked(const CpuControl::View& view);

  Parts parts_;
  // The operation queue's thread's own.
  CpuSet parked_;
  CpusToReturn to_return_;
  std::string holding_off_;
  // The last try to save failed, and was logged.
  bool unsaved_ = false;
  absl::Time no_parking_until_ = absl::InfinitePast();
  // A beat that has had no turn yet; more would only pile up.
  std::atomic<bool> tick_waits_ = false;

  Mutex mutex_;
  bool running_ ABSL_GUARDED_BY(mutex_) = false;
  std::string activity_ ABSL_GUARDED_BY(mutex_);
  std::string power_ ABSL_GUARDED_BY(mutex_);
  // The latest first.
  std::deque<v1::DriverDecision> decisions_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace hotplugger::agent
