// The CPUs of the host for its drivers, and the agent's memory of what they parked.
#pragma once

#include <map>
#include <string>

#include "agent/drivers/builtin/parking_records.h"
#include "agent/drivers/cpu_control.h"
#include "agent/reconcile/host.h"

namespace hotplugger::agent {

// Not safe for concurrent use: the operation queue's thread calls it.
//
// A CPU's state is somebody's decision where the spec or the baseline has a say in it, or where the
// last operation of this boot took it offline and no driver of the agent's own wanted that. The
// spec has a say in what such a driver has parked only once the baseline knows of it, so that there
// is always one of the two that brings it back.
class HostCpuControl final : public CpuControl, public ParkingRecords {
 public:
  // `host` is given before anything is asked, since it is made after the drivers; it outlives this.
  void SetHost(Host* host) { host_ = host; }

  absl::StatusOr<View> Look() override;
  absl::StatusOr<v1::ItemResult> Change(int cpu, bool online, absl::Time deadline) override;
  ParkingRecord LoadParking(const std::string& driver) override;
  absl::Status SaveParking(const std::string& driver, const ParkingRecord& record) override;

 private:
  Host* host_ = nullptr;
};

}  // namespace hotplugger::agent
