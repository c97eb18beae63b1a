#include "agent/drivers/builtin/energy_meter.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace hotplugger::agent {
namespace {

constexpr char kFolder[] = "sys/class/powercap";

std::optional<uint64_t> ReadCount(const FileTree& tree, const std::string& path) {
  const absl::StatusOr<std::string> content = tree.Read(path);
  uint64_t count = 0;
  if (!content.ok() || !absl::SimpleAtoi(absl::StripAsciiWhitespace(*content), &count)) {
    return std::nullopt;
  }
  return count;
}

}  // namespace

std::optional<double> AveragePower::Watts() const {
  if (time < absl::Seconds(1)) return std::nullopt;
  return joules / absl::ToDoubleSeconds(time);
}

void EnergyMeter::Reset() {
  last_.clear();
  last_time_.reset();
  parked_ = {};
  unparked_ = {};
}

std::map<std::string, uint64_t> EnergyMeter::Read() const {
  // One package can be there twice, by its registers and by MMIO (intel-rapl:0, intel-rapl-mmio:0).
  std::map<std::string, std::string> zone_of_package;
  std::map<std::string, uint64_t> counts;
  // A host without RAPL has no such folder, and nothing is measured.
  const absl::Status listed = tree_.Visit(kFolder, [&](absl::string_view name, bool) {
    const std::string zone = absl::StrCat(kFolder, "/", name);
    const absl::StatusOr<std::string> what = tree_.Read(absl::StrCat(zone, "/name"));
    if (!what.ok() || !absl::StartsWith(*what, "package-")) return;
    const auto count = ReadCount(tree_, absl::StrCat(zone, "/energy_uj"));
    if (!count.has_value()) return;
    // The same one each time, in whatever order they are listed.
    std::string& counted = zone_of_package[*what];
    if (!counted.empty() && counted < zone) return;
    counts.erase(counted);
    counted = zone;
    counts[zone] = *count;
  });
  return listed.ok() ? counts : std::map<std::string, uint64_t>();
}

void EnergyMeter::Note(bool parked, absl::Time now) {
  std::map<std::string, uint64_t> counts = Read();
  if (last_time_.has_value() && !counts.empty() && counts.size() == last_.size()) {
    AveragePower& power = parked ? parked_ : unparked_;
    for (const auto& [zone, count] : counts) {
      const uint64_t before = last_.count(zone) > 0 ? last_.at(zone) : count;
      uint64_t used = count - before;
      if (count < before) {
        // The counter has come to its end and begun anew.
        used = count +
               ReadCount(tree_, absl::StrCat(zone, "/max_energy_range_uj")).value_or(before) -
               before;
      }
      power.joules += static_cast<double>(used) / 1e6;
    }
    power.time += now - *last_time_;
  }
  last_ = std::move(counts);
  last_time_ = now;
}

std::string EnergyMeter::Describe() const {
  const std::optional<double> parked = parked_.Watts();
  const std::optional<double> unparked = unparked_.Watts();
  if (!parked.has_value() || !unparked.has_value()) return "";
  return absl::StrFormat("package power %.1f W with CPUs parked (%.0f s), %.1f W without (%.0f s)",
                         *parked, absl::ToDoubleSeconds(parked_.time), *unparked,
                         absl::ToDoubleSeconds(unparked_.time));
}

}  // namespace hotplugger::agent
