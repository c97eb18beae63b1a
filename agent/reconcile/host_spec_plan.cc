#include "agent/reconcile/host_spec_plan.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "agent/devices/inventory/device_reader.h"
#include "agent/reconcile/spec_check.h"
#include "agent/reconcile/spec_plan.h"
#include "agent/reconcile/spec_trial.h"
#include "common/digest.h"
#include "common/driver_rules.h"
#include "common/error_info.h"
#include "common/status_macros.h"

namespace hotplugger::agent {
namespace {

// The same checks as of a spec that is pushed.
absl::StatusOr<v1::NodeSpec> Parse(const Host& host, const std::string& body) {
  v1::Spec pushed;
  pushed.set_digest(Sha256Hex(body));
  pushed.set_nonce("plan");
  pushed.set_body(body);
  v1::NodeSpec spec;
  std::vector<std::string> errors = CheckSpec(pushed, &spec);
  const v1::RejectedSpec* const rejection = FindRejection(host.state(), pushed.digest());
  if (rejection != nullptr) errors.push_back(rejection->message());
  if (errors.empty()) return spec;
  return MakeError(absl::StatusCode::kInvalidArgument, "BAD_SPEC",
                   absl::StrCat("this agent would refuse the spec: ", absl::StrJoin(errors, "; ")));
}

}  // namespace

absl::StatusOr<v1::PlanSpecResponse> PlanSpecOn(Host& host, const v1::PlanSpecRequest& request) {
  ASSIGN_OR_RETURN(const v1::NodeSpec spec, Parse(host, request.body()));
  ASSIGN_OR_RETURN(const v1::NodeSpec before, host.Spec());
  ASSIGN_OR_RETURN(const Snapshot snapshot, host.ReadSnapshot());
  WhitelistOverrides overrides;
  for (const auto& [driver, whitelist] : spec.driver_whitelists()) {
    overrides[NormalizeDriverName(driver)] = {whitelist.drivers().begin(),
                                              whitelist.drivers().end()};
  }
  RETURN_IF_ERROR(host.SyncDrivers());
  const DriverSnapshots drivers = host.drivers().Snapshot(overrides);
  v1::PlanSpecResponse response;
  v1::DevicePlan* const plan = response.mutable_plan();
  *plan = PlanSpec({.spec = spec,
                    .before = before,
                    .baseline = host.state().baseline(),
                    .snapshot = snapshot,
                    .limits = host.devices().limits(),
                    .drivers = drivers,
                    .switching = host.drivers().switching()});
  plan->mutable_stamp()->set_boot_id(host.boot_id());
  plan->mutable_stamp()->set_inventory_digest(InventoryDigest(snapshot));
  return response;
}

}  // namespace hotplugger::agent
