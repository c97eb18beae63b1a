#include "agent/reconcile/spec_check.h"

#include <set>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "agent/devices/rules/device_name.h"
#include "common/core_name.h"
#include "common/cpu_list.h"
#include "common/digest.h"
#include "common/driver_rules.h"

namespace hotplugger::agent {
namespace {

constexpr size_t kMaxSpecBytes = 256 * 1024;

void Note(const absl::Status& status, absl::string_view field, std::vector<std::string>* errors) {
  if (!status.ok()) errors->push_back(absl::StrCat(field, ": ", status.message()));
}

// Both lists of one kind of device, and that nothing is in both.
void CheckLists(const std::string& offline, absl::string_view offline_field,
                const std::string& online, absl::string_view online_field,
                const NumberListRules& rules, absl::string_view prefix,
                std::vector<std::string>* errors) {
  const absl::StatusOr<NumberSet> offline_set = ParseNumberList(offline, rules);
  const absl::StatusOr<NumberSet> online_set = ParseNumberList(online, rules);
  Note(offline_set.status(), offline_field, errors);
  Note(online_set.status(), online_field, errors);
  if (!offline_set.ok() || !online_set.ok()) return;
  for (const int number : *offline_set) {
    if (online_set->count(number) > 0) {
      errors->push_back(absl::StrCat(prefix, number, " is to be both offline and online"));
    }
  }
}

void CheckCpus(const v1::NodeSpec& spec, std::vector<std::string>* errors) {
  CheckLists(spec.cpu_offline(), "cpu_offline", spec.cpu_online(), "cpu_online", kCpuListRules,
             "cpu", errors);
  if (spec.has_cpu_online_count() && spec.has_cpu_online_percent()) {
    errors->push_back("cpu_online_count and cpu_online_percent are both set");
  }
  if (spec.has_cpu_online_count() &&
      (spec.cpu_online_count() < 1 || spec.cpu_online_count() > kMaxCpuNumber + 1)) {
    errors->push_back(absl::StrCat("cpu_online_count: ", spec.cpu_online_count(),
                                   " is not between 1 and ", kMaxCpuNumber + 1));
  }
  if (spec.has_cpu_online_percent() &&
      (spec.cpu_online_percent() < 1 || spec.cpu_online_percent() > 100)) {
    errors->push_back(absl::StrCat("cpu_online_percent: ", spec.cpu_online_percent(),
                                   " is not between 1 and 100"));
  }
  const bool smt_known = spec.smt() == v1::SMT_CONTROL_UNSPECIFIED ||
                         spec.smt() == v1::SMT_CONTROL_ON || spec.smt() == v1::SMT_CONTROL_OFF ||
                         spec.smt() == v1::SMT_CONTROL_FORCEOFF;
  if (!smt_known) {
    errors->push_back(
        absl::StrCat("smt: ", static_cast<int>(spec.smt()), " is none of ON, OFF and FORCEOFF"));
  }
  if (spec.cpu_hot_add() != v1::HOT_ADD_UNSPECIFIED && spec.cpu_hot_add() != v1::HOT_ADD_ONLINE) {
    errors->push_back(
        absl::StrCat("cpu_hot_add: ", static_cast<int>(spec.cpu_hot_add()), " is not ONLINE"));
  }
}

void CheckCores(const v1::NodeSpec& spec, std::vector<std::string>* errors) {
  std::set<std::string> offline;
  for (const std::string& core : spec.cores_offline()) {
    Note(ParseCoreName(core).status(), "cores_offline", errors);
    offline.insert(core);
  }
  for (const std::string& core : spec.cores_online()) {
    Note(ParseCoreName(core).status(), "cores_online", errors);
    if (offline.count(core) > 0) {
      errors->push_back(absl::StrCat("core ", core, " is to be both offline and online"));
    }
  }
}

void CheckMemory(const v1::NodeSpec& spec, std::vector<std::string>* errors) {
  CheckLists(spec.memory_offline(), "memory_offline", spec.memory_online(), "memory_online",
             kMemoryBlockListRules, "memory", errors);
  if (spec.has_memory_offline_bytes() && spec.memory_offline_bytes() == 0) {
    errors->push_back("memory_offline_bytes: is 0; leave it out where nothing is to go");
  }
  constexpr uint64_t kMaxBytes = uint64_t{1} << 60;
  if (spec.memory_offline_bytes() > kMaxBytes) {
    errors->push_back(absl::StrCat("memory_offline_bytes: ", spec.memory_offline_bytes(),
                                   " is above ", kMaxBytes));
  }
  if (!v1::HotAdd_IsValid(spec.memory_hot_add())) {
    errors->push_back(
        absl::StrCat("memory_hot_add: ", static_cast<int>(spec.memory_hot_add()), " is not known"));
  }
}

// CPUs and memory have fields of their own.
void CheckGenericName(const std::string& name, absl::string_view field,
                      std::vector<std::string>* errors) {
  const absl::StatusOr<DeviceName> parsed = ParseDeviceName(name);
  Note(parsed.status(), field, errors);
  if (parsed.ok() && parsed->kind != v1::DEVICE_KIND_GENERIC) {
    errors->push_back(absl::StrCat(field, ": ", name, " is no generic device, BUS/NAME"));
  }
}

void CheckGenericDevices(const v1::NodeSpec& spec, std::vector<std::string>* errors) {
  std::set<std::string> offline;
  for (const std::string& name : spec.devices_offline()) {
    CheckGenericName(name, "devices_offline", errors);
    offline.insert(name);
  }
  for (const std::string& name : spec.devices_online()) {
    CheckGenericName(name, "devices_online", errors);
    if (offline.count(name) > 0) {
      errors->push_back(absl::StrCat(name, " is to be both offline and online"));
    }
  }
}

// What a newer controller wants and this agent would silently not do.
void CheckUnknownFields(const v1::NodeSpec& spec, std::vector<std::string>* errors) {
  if (spec.GetReflection()->GetUnknownFields(spec).empty()) return;
  errors->push_back("body has settings that this agent doesn't know; upgrade the agent");
}

void CheckDrivers(const v1::NodeSpec& spec, std::vector<std::string>* errors) {
  std::set<std::string> active;
  for (const std::string& driver : spec.drivers_active()) {
    Note(ValidateDriverName(driver), "drivers_active", errors);
    active.insert(NormalizeDriverName(driver));
  }
  for (const std::string& driver : spec.drivers_stopped()) {
    Note(ValidateDriverName(driver), "drivers_stopped", errors);
    if (active.count(NormalizeDriverName(driver)) > 0) {
      errors->push_back(absl::StrCat("driver ", driver, " is to be both active and stopped"));
    }
  }
  for (const auto& [driver, whitelist] : spec.driver_whitelists()) {
    Note(ValidateDriverName(driver), "driver_whitelists", errors);
    Note(ValidateWhitelist(driver, {whitelist.drivers().begin(), whitelist.drivers().end()}),
         "driver_whitelists", errors);
  }
}

void CheckFieldNames(const google::protobuf::RepeatedPtrField<std::string>& names,
                     absl::string_view field, std::vector<std::string>* errors) {
  for (const std::string& name : names) {
    if (v1::NodeSpec::descriptor()->FindFieldByName(name) != nullptr) continue;
    errors->push_back(absl::StrCat(field, ": \"", absl::Utf8SafeCEscape(name.substr(0, 64)),
                                   "\" is no setting that this agent knows"));
  }
}

// How strict to be, and what holds ask for whatever their list says.
void CheckLeniency(const v1::NodeSpec& spec, std::vector<std::string>* errors) {
  CheckFieldNames(spec.report_drift_of(), "report_drift_of", errors);
  CheckFieldNames(spec.leave_on_release(), "leave_on_release", errors);
  Note(ParseCpuList(spec.cpu_held()).status(), "cpu_held", errors);
  Note(ParseNumberList(spec.memory_held(), kMemoryBlockListRules).status(), "memory_held", errors);
  for (const std::string& driver : spec.drivers_held()) {
    Note(ValidateDriverName(driver), "drivers_held", errors);
  }
}

}  // namespace

std::vector<std::string> CheckSpec(const v1::Spec& spec, v1::NodeSpec* parsed) {
  if (spec.body().size() > kMaxSpecBytes) {
    return {absl::StrCat("body has ", spec.body().size(), " bytes; at most ", kMaxSpecBytes,
                         " are taken")};
  }
  if (Sha256Hex(spec.body()) != spec.digest()) {
    return {absl::StrCat("digest ", spec.digest(), " is not that of the body")};
  }
  if (!parsed->ParseFromString(spec.body())) return {"body is not a NodeSpec"};
  std::vector<std::string> errors;
  CheckCpus(*parsed, &errors);
  CheckCores(*parsed, &errors);
  CheckMemory(*parsed, &errors);
  CheckGenericDevices(*parsed, &errors);
  CheckUnknownFields(*parsed, &errors);
  CheckDrivers(*parsed, &errors);
  CheckLeniency(*parsed, &errors);
  return errors;
}

}  // namespace hotplugger::agent
