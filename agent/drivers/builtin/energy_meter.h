// What the CPU packages draw, where the kernel lets it be read (RAPL).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "absl/time/time.h"
#include "agent/devices/inventory/file_tree.h"

namespace hotplugger::agent {

// Average power of a state, and how long it was measured.
struct AveragePower {
  double joules = 0;
  absl::Duration time;

  // Nothing below a second: counters move a thousand times in one.
  std::optional<double> Watts() const;
};

// Adds up what the packages used while CPUs were parked, and while none was. Not safe for
// concurrent use.
class EnergyMeter {
 public:
  // `tree` outlives this.
  explicit EnergyMeter(const FileTree& tree) : tree_(tree) {}

  // Begins anew.
  void Reset();

  // The state since the last call was this one. Packages that can't be read don't count.
  void Note(bool parked, absl::Time now);

  // "package power 31.2 W with CPUs parked (120 s), 42.0 W without (60 s)"; empty while one of the
  // two is not known. The difference is no promise: the load was another one, too.
  std::string Describe() const;

 private:
  // Microjoules by package, as counted.
  std::map<std::string, uint64_t> Read() const;

  const FileTree& tree_;
  std::map<std::string, uint64_t> last_;
  std::optional<absl::Time> last_time_;
  AveragePower parked_;
  AveragePower unparked_;
};

}  // namespace hotplugger::agent
