#include "agent/drivers/builtin/thermal_rule.h"

#include <fnmatch.h>

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "common/error_info.h"
#include "common/status_macros.h"

namespace hotplugger::agent {
namespace {

constexpr char kFolder[] = "sys/class/thermal";

bool MatchesAny(const std::vector<std::string>& types, const std::string& type) {
  return std::any_of(types.begin(), types.end(), [&type](const std::string& pattern) {
    return fnmatch(pattern.c_str(), type.c_str(), FNM_CASEFOLD) == 0;
  });
}

}  // namespace

absl::StatusOr<std::vector<ThermalZone>> ReadThermalZones(const FileTree& tree,
                                                          const std::vector<std::string>& types) {
  std::vector<std::string> names;
  const absl::Status listed = tree.Visit(kFolder, [&](absl::string_view name, bool) {
    if (absl::StartsWith(name, "thermal_zone")) names.emplace_back(name);
  });
  if (!listed.ok() && !absl::IsNotFound(listed)) return listed;
  std::sort(names.begin(), names.end());
  std::vector<ThermalZone> zones;
  for (const std::string& name : names) {
    const auto type = tree.Read(absl::StrCat(kFolder, "/", name, "/type"));
    const auto temperature = tree.Read(absl::StrCat(kFolder, "/", name, "/temp"));
    if (!type.ok() || !temperature.ok()) continue;
    ThermalZone zone{.name = name, .type = std::string(absl::StripAsciiWhitespace(*type))};
    int64_t thousandths = 0;
    if (!absl::SimpleAtoi(absl::StripAsciiWhitespace(*temperature), &thousandths)) continue;
    zone.celsius = static_cast<double>(thousandths) / 1000;
    if (MatchesAny(types, zone.type)) zones.push_back(std::move(zone));
  }
  return zones;
}

ParkingWish ThermalJudge::Judge(const ThermalZone& hottest, const ParkingState& state,
                                absl::Time now) {
  if (now - last_step_ < absl::Seconds(settings_.step_seconds)) return {};
  const std::string is =
      absl::StrFormat("%s (%s) is at %.1f °C", hottest.name, hottest.type, hottest.celsius);
  if (hottest.celsius >= settings_.trip_celsius && state.next_core_threads > 0) {
    last_step_ = now;
    return {ParkingWish::Act::kPark, 1,
            absl::StrCat(is, ", the trip temperature is ", settings_.trip_celsius)};
  }
  if (hottest.celsius <= settings_.release_celsius && state.parked_cores > 0) {
    last_step_ = now;
    return {ParkingWish::Act::kWake, 1,
            absl::StrCat(is, ", the release temperature is ", settings_.release_celsius)};
  }
  return {};
}

absl::StatusOr<ThermalZone> ThermalRule::Hottest() const {
  ASSIGN_OR_RETURN(const std::vector<ThermalZone> zones, ReadThermalZones(tree_, types_));
  if (zones.empty()) {
    return MakeError(absl::StatusCode::kFailedPrecondition, "NO_THERMAL_ZONE",
                     absl::StrCat("no thermal zone of the types ", absl::StrJoin(types_, ", "),
                                  " can be read below ", tree_.FullPath(kFolder),
                                  "; set drivers.thermal.zones to a type that is there"));
  }
  return *std::max_element(zones.begin(), zones.end(),
                           [](const auto& a, const auto& b) { return a.celsius < b.celsius; });
}

absl::Status ThermalRule::Begin(absl::Time /*now*/) {
  judge_.Begin();
  return Hottest().status();
}

absl::StatusOr<ParkingWish> ThermalRule::Judge(const ParkingState& state, absl::Time now) {
  ASSIGN_OR_RETURN(const ThermalZone hottest, Hottest());
  return judge_.Judge(hottest, state, now);
}

}  // namespace hotplugger::agent
