// A driver of the agent's own with a rule and a clock that tests hold in their hands.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <utility>

#include "agent/devices/inventory/file_tree.h"
#include "agent/drivers/builtin/parking_driver.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fakes/fake_cpu_control.h"
#include "tests/fakes/temp_dir.h"

namespace hotplugger::agent {

// Beats when a test says so.
class ManualTicker final : public Ticker {
 public:
  void Start(absl::Duration interval, std::function<void()> tick) override {
    interval_ = interval;
    tick_ = std::move(tick);
  }
  void Stop() override { tick_ = nullptr; }

  bool beats() const { return tick_ != nullptr; }
  absl::Duration interval() const { return interval_; }
  void Beat() {
    // It may stop this.
    const std::function<void()> tick = tick_;
    if (tick) tick();
  }

 private:
  absl::Duration interval_;
  std::function<void()> tick_;
};

// Wants what a test says, then nothing.
class ScriptedRule final : public ParkingRule {
 public:
  absl::Status begin_answer;
  std::deque<absl::StatusOr<ParkingWish>> wishes;
  // What it was told last.
  ParkingState state;
  int begins = 0;

  absl::Status Begin(absl::Time /*now*/) override {
    ++begins;
    return begin_answer;
  }
  absl::StatusOr<ParkingWish> Judge(const ParkingState& now, absl::Time /*time*/) override {
    state = now;
    if (wishes.empty()) return ParkingWish();
    absl::StatusOr<ParkingWish> wish = std::move(wishes.front());
    wishes.pop_front();
    return wish;
  }
};

struct ParkingWorld {
  explicit ParkingWorld(std::string driver_name, testing::FakeCpuControl& cpu_control,
                        ParkingSettings settings = {}) {
    auto own_rule = std::make_unique<ScriptedRule>();
    rule = own_rule.get();
    auto own_ticker = std::make_unique<ManualTicker>();
    ticker = own_ticker.get();
    driver = std::make_shared<ParkingDriver>(
        ParkingDriver::Parts{.name = std::move(driver_name),
                             .description = "parks as a test says",
                             .settings = std::move(settings),
                             .rule = std::move(own_rule),
                             .control = cpu_control,
                             .records = cpu_control,
                             .energy = EnergyMeter(*tree),
                             .ticker = std::move(own_ticker),
                             .clock = clock,
                             .wall_clock = clock,
                             .post =
                                 [](ParkingDriver::Task task) {
                                   task();
                                   return absl::OkStatus();
                                 },
                             .conflicts = [this] { return conflicts; }});
  }

  // One beat with this wish.
  void Beat(ParkingWish::Act act, int cores = 1, std::string why = "as scripted") {
    rule->wishes.push_back(ParkingWish{act, cores, std::move(why)});
    ticker->Beat();
  }

  testing::TempDir root;
  std::unique_ptr<FileTree> tree = *FileTree::Open(root.path());
  FakeClock clock;
  absl::StatusOr<std::vector<std::string>> conflicts = std::vector<std::string>();
  ScriptedRule* rule;
  ManualTicker* ticker;
  std::shared_ptr<ParkingDriver> driver;
};

}  // namespace hotplugger::agent
