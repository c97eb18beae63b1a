#include "agent/drivers/builtin/load_rule.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/status_macros.h"

namespace hotplugger::agent {
namespace {

// A measurement over more sampling intervals than this came late.
constexpr int kMaxIntervals = 3;

double PercentOf(double busy, int cpus) { return cpus > 0 ? 100.0 * busy / cpus : 100.0; }

}  // namespace

void LoadJudge::Begin(absl::Time now) {
  low_samples_ = 0;
  high_samples_ = 0;
  last_needed_ = now;
}

ParkingWish LoadJudge::Judge(const LoadSample& sample, const ParkingState& state) {
  const double now_percent = PercentOf(sample.busy_cpus, state.online_cpus);
  const double pressure_percent = sample.pressure.value_or(0) * 100;
  const bool waiting = pressure_percent > settings_.wake_pressure_percent;
  const bool high = now_percent > settings_.wake_above_percent || waiting;
  // What the CPUs would be if the next core were gone.
  const int left = state.online_cpus - state.next_core_threads;
  const double left_percent = PercentOf(sample.busy_cpus, left);
  const bool late = sample.span > kMaxIntervals * absl::Seconds(settings_.parking.sample_seconds);
  const bool low = !high && !late && left_percent < settings_.park_below_percent;
  high_samples_ = high ? high_samples_ + 1 : 0;
  low_samples_ = low ? low_samples_ + 1 : 0;
  if (!low) last_needed_ = sample.time;
  if (high_samples_ >= settings_.wake_samples && state.parked_cores > 0) {
    high_samples_ = 0;
    return {ParkingWish::Act::kWake, (state.parked_cores + 1) / 2,
            waiting ? absl::StrFormat("tasks waited for a CPU %.0f%% of the time, more than %d%%",
                                      pressure_percent, settings_.wake_pressure_percent)
                    : absl::StrFormat("%.0f%% of %d CPUs busy, more than %d%%", now_percent,
                                      state.online_cpus, settings_.wake_above_percent)};
  }
  const bool cool = sample.time - last_needed_ >= absl::Seconds(settings_.cooldown_seconds);
  if (low_samples_ < settings_.park_samples || !cool || state.next_core_threads == 0) return {};
  low_samples_ = 0;
  return {ParkingWish::Act::kPark, 1,
          absl::StrFormat("%.1f CPUs busy would be %.0f%% of the %d left, less than %d%%, %d times "
                          "in a row",
                          sample.busy_cpus, left_percent, left, settings_.park_below_percent,
                          settings_.park_samples)};
}

absl::StatusOr<LoadRule::Reading> LoadRule::Read(absl::Time now) const {
  Reading reading;
  reading.time = now;
  ASSIGN_OR_RETURN(reading.times, ReadCpuTimes(tree_));
  ASSIGN_OR_RETURN(reading.pressure, ReadCpuPressure(tree_));
  return reading;
}

absl::Status LoadRule::Begin(absl::Time now) {
  ASSIGN_OR_RETURN(last_, Read(now));
  judge_.Begin(now);
  return absl::OkStatus();
}

absl::StatusOr<ParkingWish> LoadRule::Judge(const ParkingState& state, absl::Time now) {
  ASSIGN_OR_RETURN(Reading reading, Read(now));
  const std::optional<double> busy = BusyCpus(last_.times, reading.times);
  // Too soon after the last: no tick has passed.
  if (!busy.has_value()) return ParkingWish();
  LoadSample sample{
      .time = now, .span = now - last_.time, .busy_cpus = *busy, .pressure = std::nullopt};
  const double elapsed = absl::ToDoubleMicroseconds(sample.span);
  if (reading.pressure.has_value() && last_.pressure.has_value() && elapsed > 0) {
    const double waited =
        static_cast<double>(*reading.pressure) - static_cast<double>(*last_.pressure);
    sample.pressure = std::clamp(waited / elapsed, 0.0, 1.0);
  }
  last_ = std::move(reading);
  return judge_.Judge(sample, state);
}

}  // namespace hotplugger::agent
