// What the host's owner sets for the agent's own drivers, in agent.yaml (docs/agent-config.md).
#pragma once

#include <string>
#include <vector>

namespace hotplugger::agent {

// Of every driver that parks CPUs. The host's limits count besides.
struct ParkingSettings {
  // Seconds between measurements.
  int sample_seconds = 1;
  // So many CPUs stay online.
  int min_online_cpus = 2;
  // At most this share of the CPUs present is parked.
  int max_parked_percent = 50;
  // Writes down what it would do, and does nothing.
  bool dry_run = false;
  // Whom it spares.
  std::vector<std::string> whitelist = {};
};

// Parks whole cores while few CPUs are busy.
struct LoadSettings {
  // Besides the agent's other driver, daemons that only some hosts use to take CPUs off.
  ParkingSettings parking = {.whitelist = {"thermal", "rasdaemon", "thermald", "tuned"}};
  // A core is parked when the CPUs that would be left were busy for less than this share...
  int park_below_percent = 30;
  // ...in so many measurements in a row...
  int park_samples = 10;
  // ...and nothing was needed, and nothing woken, for so long.
  int cooldown_seconds = 60;
  // Cores are woken when the CPUs online are busy for more than this share...
  int wake_above_percent = 70;
  // ...or tasks wait for a CPU for more than this share of the time (pressure stall information)...
  int wake_pressure_percent = 50;
  // ...in so many measurements in a row.
  int wake_samples = 1;
};

// Parks whole cores while the host is too hot.
struct ThermalSettings {
  ParkingSettings parking = {.sample_seconds = 2,
                             .whitelist = {"load", "rasdaemon", "thermald", "tuned"}};
  // A core is parked while the hottest zone is at least so hot, degrees Celsius.
  int trip_celsius = 95;
  // A core is woken while it is at most so hot.
  int release_celsius = 80;
  // From one core to the next.
  int step_seconds = 10;
  // Types of thermal zones that count, with * and ?.
  std::vector<std::string> zones = {"x86_pkg_temp", "*cpu*", "*soc*", "acpitz"};
};

}  // namespace hotplugger::agent
