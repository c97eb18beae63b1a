#include "agent/reconcile/spec_check.h"

#include <set>

#include "absl/strings/str_cat.h"
#include "common/cpu_list.h"
#include "common/digest.h"
#include "common/driver_rules.h"

namespace hotplugger::agent {
namespace {

constexpr size_t kMaxSpecBytes = 256 * 1024;

void Note(const absl::Status& status, absl::string_view field, std::vector<std::string>* errors) {
  if (!status.ok()) errors->push_back(absl::StrCat(field, ": ", status.message()));
}

void CheckCpus(const v1::NodeSpec& spec, std::vector<std::string>* errors) {
  const absl::StatusOr<CpuSet> offline = ParseCpuList(spec.cpu_offline());
  const absl::StatusOr<CpuSet> online = ParseCpuList(spec.cpu_online());
  Note(offline.status(), "cpu_offline", errors);
  Note(online.status(), "cpu_online", errors);
  if (!offline.ok() || !online.ok()) return;
  for (const int cpu : *offline) {
    if (online->count(cpu) > 0) {
      errors->push_back(absl::StrCat("cpu", cpu, " is to be both offline and online"));
    }
  }
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

}  // namespace

std::vector<std::string> CheckSpec(const v1::Spec& spec, uint64_t epoch, uint64_t largest_epoch,
                                   v1::NodeSpec* parsed) {
  if (epoch < largest_epoch) {
    return {absl::StrCat("epoch ", epoch, " is older than ", largest_epoch,
                         ", the largest that this agent has seen: an earlier controller, or one "
                         "restored from an old backup, is still pushing")};
  }
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
  CheckDrivers(*parsed, &errors);
  return errors;
}

}  // namespace hotplugger::agent
