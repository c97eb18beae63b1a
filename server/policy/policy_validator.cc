#include "server/policy/policy_validator.h"

#include <map>
#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/driver_rules.h"
#include "common/names.h"
#include "common/proto_time.h"
#include "server/policy/active_set.h"
#include "server/policy/device_settings_validator.h"
#include "server/policy/selector_validator.h"
#include "server/policy/violations.h"

namespace hotplugger::server {
namespace {

using Names = google::protobuf::RepeatedPtrField<std::string>;

// Names are valid and each is there once; `seen` gets them, normalized.
void CheckDriverNames(const std::string& field, const Names& names, std::set<std::string>* seen,
                      Violations* violations) {
  for (int i = 0; i < names.size(); ++i) {
    const std::string place = absl::StrCat(field, "[", i, "]");
    const absl::Status valid = ValidateDriverName(names[i]);
    Check(place, valid, violations);
    if (valid.ok() && !seen->insert(NormalizeDriverName(names[i])).second) {
      violations->push_back({place, absl::StrCat("names ", names[i], " a second time")});
    }
  }
}

void CheckWhitelists(const v1::DriverSettings& drivers, Violations* violations) {
  const std::string field = "policy.drivers.whitelist";
  CheckCount(field, static_cast<int>(drivers.whitelist().size()), kMaxWhitelistedDrivers,
             violations);
  std::set<std::string> seen;
  std::map<std::string, const v1::Whitelist*> ordered;
  for (const auto& [driver, whitelist] : drivers.whitelist()) ordered[driver] = &whitelist;
  for (const auto& [driver, whitelist] : ordered) {
    const absl::Status valid = ValidateDriverName(driver);
    Check(field, valid, violations);
    if (!valid.ok()) continue;
    if (!seen.insert(NormalizeDriverName(driver)).second) {
      violations->push_back(
          {field, absl::StrCat("names ", driver, " a second time; case makes no difference")});
    }
    Check(absl::StrCat(field, "[", driver, "]"),
          ValidateWhitelist(driver, {whitelist->drivers().begin(), whitelist->drivers().end()}),
          violations);
  }
}

void CheckDrivers(const v1::DriverSettings& drivers, Violations* violations) {
  const std::string field = "policy.drivers";
  CheckUnknownFields(field, drivers, violations);
  CheckCount(field + ".active", drivers.active().size(), kMaxActiveDrivers, violations);
  CheckCount(field + ".stopped", drivers.stopped().size(), kMaxStoppedDrivers, violations);
  std::set<std::string> active;
  std::set<std::string> stopped;
  CheckDriverNames(field + ".active", drivers.active(), &active, violations);
  CheckDriverNames(field + ".stopped", drivers.stopped(), &stopped, violations);
  for (const std::string& name : stopped) {
    if (active.count(name) == 0) continue;
    violations->push_back(
        {field + ".stopped", absl::StrCat("names ", name, ", which is in active too; keep one")});
  }
  CheckWhitelists(drivers, violations);
  if (drivers.active().size() <= kMaxActiveDrivers) {
    for (const std::string& problem :
         FindActiveSetProblems(drivers.active(), drivers.whitelist())) {
      violations->push_back({field + ".active", problem});
    }
  }
  if (!v1::Switch_IsValid(drivers.switching())) {
    violations->push_back({field + ".switching", "is neither on nor off"});
  }
  if (drivers.switching() == v1::SWITCH_OFF && !(active.empty() && stopped.empty())) {
    violations->push_back({field + ".switching",
                           "is off, which forbids the changes that active and stopped ask for; "
                           "leave out one or the other"});
  }
}

bool AsksForNothing(const v1::Policy& policy) {
  const v1::DriverSettings& drivers = policy.drivers();
  return !policy.has_cpu() && !policy.has_memory() && drivers.active().empty() &&
         drivers.stopped().empty() && drivers.whitelist().empty() &&
         drivers.switching() == v1::SWITCH_UNSPECIFIED;
}

void CheckModes(const v1::Policy& policy, Violations* violations) {
  if (!v1::DriftMode_IsValid(policy.drift())) {
    violations->push_back({"policy.drift", "is neither enforce nor report"});
  }
  if (!v1::ReleaseMode_IsValid(policy.on_release())) {
    violations->push_back({"policy.on_release", "is neither restore nor leave"});
  }
  if (!policy.has_confirm()) return;
  const absl::Duration window = ToDuration(policy.confirm());
  if (!IsValid(policy.confirm()) || window < kMinConfirmWindow || window > kMaxConfirmWindow) {
    violations->push_back(
        {"policy.confirm",
         absl::StrCat(absl::FormatDuration(window), " is not from ",
                      absl::FormatDuration(kMinConfirmWindow), " to ",
                      absl::FormatDuration(kMaxConfirmWindow),
                      "; leave it out where nodes need not reach the controller again")});
  }
}

}  // namespace

std::vector<FieldViolation> ValidatePolicy(const v1::Policy& policy) {
  Violations violations;
  Check("policy.name", ValidatePolicyName(policy.name()), &violations);
  CheckUnknownFields("policy", policy, &violations);
  if (policy.priority() < -kMaxPriority || policy.priority() > kMaxPriority) {
    violations.push_back({"policy.priority", absl::StrCat(policy.priority(), " is not from ",
                                                          -kMaxPriority, " to ", kMaxPriority)});
  }
  CheckSelector("policy.selector", policy.selector(), &violations);
  if (policy.has_drivers()) CheckDrivers(policy.drivers(), &violations);
  if (policy.has_cpu()) CheckCpuSettings(policy.cpu(), &violations);
  if (policy.has_memory()) CheckMemorySettings(policy.memory(), &violations);
  CheckModes(policy, &violations);
  if (AsksForNothing(policy)) {
    violations.push_back(
        {"policy",
         "asks for nothing; give settings of cpu, memory or drivers, e.g. cpu.offline "
         "or drivers.active"});
  }
  return violations;
}

}  // namespace hotplugger::server
