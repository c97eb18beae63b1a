// What an agent that is started again must know of the CPUs that its drivers had parked.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "common/cpu_list.h"

namespace hotplugger::agent {

struct ParkingRecord {
  bool running = false;
  // Written down before they go, until they are known to be back.
  CpuSet parked;

  bool operator==(const ParkingRecord&) const = default;
};

// Used on the operation queue's thread alone.
class ParkingRecords {
 public:
  virtual ~ParkingRecords() = default;

  // Of this boot; empty where there is none: a reboot has brought the CPUs back.
  virtual ParkingRecord LoadParking(const std::string& driver) = 0;

  // On the disk when it returns, where more is parked than before; else once the disk takes it. On
  // an error the earlier record stands.
  virtual absl::Status SaveParking(const std::string& driver, const ParkingRecord& record) = 0;
};

}  // namespace hotplugger::agent
