// CPUs that drivers park, as a model.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "agent/devices/rules/device_name.h"
#include "agent/drivers/builtin/parking_records.h"
#include "agent/drivers/cpu_control.h"
#include "common/error_info.h"

namespace hotplugger::testing {

// Not safe for concurrent use. All CPUs are online at first; cpu0 can't go.
class FakeCpuControl final : public agent::CpuControl, public agent::ParkingRecords {
 public:
  // CPU n and n + cpus / threads are threads of one core, as x86 counts.
  explicit FakeCpuControl(int cpus = 8, int threads = 1) {
    const int cores = cpus / threads;
    agent::Topology::Places places;
    for (int cpu = 0; cpu < cpus; ++cpu) {
      view_.cpus.masks.present.insert(cpu);
      view_.cpus.masks.online.insert(cpu);
      if (cpu != 0) view_.cpus.hotpluggable.insert(cpu);
      v1::CpuTopology& place = places[cpu];
      place.set_package(0);
      place.set_die(0);
      place.set_core(cpu % cores);
      CpuSet siblings;
      for (int thread = 0; thread < threads; ++thread)
        siblings.insert(cpu % cores + thread * cores);
      place.set_core_cpus(FormatCpuList(siblings));
    }
    view_.cpus.topology.Change(std::move(places), {});
    view_.cpus.smt.set_control(threads > 1 ? v1::SMT_CONTROL_ON : v1::SMT_CONTROL_NOT_SUPPORTED);
  }

  // Freely changed by tests.
  View& view() { return view_; }
  CpuSet online() const { return view_.cpus.masks.online; }
  CpuSet offline() const {
    CpuSet offline;
    for (const int cpu : view_.cpus.masks.present) {
      if (view_.cpus.masks.online.count(cpu) == 0) offline.insert(cpu);
    }
    return offline;
  }
  // What changes answer from now on, where it isn't ok; they do nothing then. Asked also where the
  // CPU is so already.
  using Hook = std::function<absl::Status(int cpu, bool online, absl::Time deadline)>;
  void SetHook(Hook hook) { hook_ = std::move(hook); }
  // "cpu3=0"; not those to what the CPU is already.
  std::vector<std::string> TakeChanges() { return std::exchange(changes_, {}); }

  absl::StatusOr<View> Look() override { return view_; }

  absl::StatusOr<v1::ItemResult> Change(int cpu, bool online, absl::Time deadline) override {
    const bool already = online == (view_.cpus.masks.online.count(cpu) > 0);
    if (!already) changes_.push_back(absl::StrCat("cpu", cpu, "=", online ? 1 : 0));
    if (hook_) {
      if (absl::Status status = hook_(cpu, online, deadline); !status.ok()) return status;
    }
    if (online) {
      view_.cpus.masks.online.insert(cpu);
    } else {
      view_.cpus.masks.online.erase(cpu);
    }
    v1::ItemResult item;
    item.set_subject(agent::CpuName(cpu));
    item.set_outcome(already ? v1::OUTCOME_ALREADY : v1::OUTCOME_CHANGED);
    return item;
  }

  agent::ParkingRecord LoadParking(const std::string& driver) override { return records_[driver]; }
  absl::Status SaveParking(const std::string& driver, const agent::ParkingRecord& record) override {
    if (!save_error_.ok()) return save_error_;
    records_[driver] = record;
    return absl::OkStatus();
  }
  void FailSaves(absl::Status status) { save_error_ = std::move(status); }

 private:
  View view_;
  Hook hook_;
  absl::Status save_error_;
  std::vector<std::string> changes_;
  std::map<std::string, agent::ParkingRecord> records_;
};

}  // namespace hotplugger::testing
