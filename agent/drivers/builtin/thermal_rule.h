// `thermal`: takes cores off while the host is too hot, gives them back as it cools.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "agent/devices/inventory/file_tree.h"
#include "agent/drivers/builtin/parking_rule.h"
#include "agent/drivers/builtin/settings.h"

namespace hotplugger::agent {

struct ThermalZone {
  // "thermal_zone0" and what it measures, "x86_pkg_temp".
  std::string name;
  std::string type;
  double celsius = 0;
};

// The zones below sys/class/thermal whose types match one of `types`. Those that can't be read, as
// of a device that sleeps, are left out.
absl::StatusOr<std::vector<ThermalZone>> ReadThermalZones(const FileTree& tree,
                                                          const std::vector<std::string>& types);

// Decides from the hottest zone alone: between release and trip nothing is done.
class ThermalJudge {
 public:
  explicit ThermalJudge(const ThermalSettings& settings) : settings_(settings) {}

  void Begin() { last_step_ = absl::InfinitePast(); }
  ParkingWish Judge(const ThermalZone& hottest, const ParkingState& state, absl::Time now);

 private:
  ThermalSettings settings_;
  absl::Time last_step_ = absl::InfinitePast();
};

class ThermalRule final : public ParkingRule {
 public:
  // `tree` outlives this.
  ThermalRule(const FileTree& tree, const ThermalSettings& settings)
      : tree_(tree), types_(settings.zones), judge_(settings) {}

  // FAILED_PRECONDITION (NO_THERMAL_ZONE) where no zone of these types can be read.
  absl::Status Begin(absl::Time now) override;
  absl::StatusOr<ParkingWish> Judge(const ParkingState& state, absl::Time now) override;

 private:
  absl::StatusOr<ThermalZone> Hottest() const;

  const FileTree& tree_;
  const std::vector<std::string> types_;
  ThermalJudge judge_;
};

}  // namespace hotplugger::agent
