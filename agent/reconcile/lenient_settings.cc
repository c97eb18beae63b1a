#include "agent/reconcile/lenient_settings.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "agent/devices/rules/device_name.h"
#include "common/cpu_list.h"
#include "common/driver_rules.h"

namespace hotplugger::agent {

LenientSettings LenientSettings::ReportedDrift(const v1::NodeSpec& spec) {
  return LenientSettings(spec.report_drift_of(), spec);
}

LenientSettings LenientSettings::LeftOnRelease(const v1::NodeSpec& spec) {
  return LenientSettings(spec.leave_on_release(), spec);
}

// Lists that don't parse hold nothing; CheckSpec has refused them.
LenientSettings::LenientSettings(const Names& settings, const v1::NodeSpec& spec)
    : settings_(settings.begin(), settings.end()) {
  if (settings_.empty()) return;
  for (const int cpu : ParseCpuList(spec.cpu_held()).value_or(CpuSet())) {
    strict_.insert(CpuName(cpu));
  }
  for (const int block :
       ParseNumberList(spec.memory_held(), kMemoryBlockListRules).value_or(NumberSet())) {
    strict_.insert(MemoryName(block));
  }
  for (const std::string& driver : spec.drivers_held()) {
    strict_.insert(absl::StrCat("driver/", NormalizeDriverName(driver)));
  }
}

LenientSettings LenientSettings::Except(const std::set<std::string>& subjects) && {
  for (const std::string& subject : subjects) {
    strict_.insert(subject);
    // A set of drivers is switched as a whole.
    if (absl::StartsWith(subject, "driver")) strict_.insert("driver");
  }
  return std::move(*this);
}

bool LenientSettings::Covers(absl::string_view setting, absl::string_view subject) const {
  return settings_.count(setting) > 0 && strict_.count(subject) == 0;
}

}  // namespace hotplugger::agent
