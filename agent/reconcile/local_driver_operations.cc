#include "agent/reconcile/local_driver_operations.h"

#include <memory>
#include <set>
#include <utility>
#include <variant>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "agent/drivers/actors/conflicting_actors.h"
#include "agent/drivers/driver_errors.h"
#include "agent/reconcile/held_by_spec.h"
#include "agent/reconcile/lenient_settings.h"
#include "common/clock.h"
#include "common/driver_rules.h"
#include "common/error_info.h"
#include "common/status_macros.h"

namespace hotplugger::agent {
namespace {

template <typename Response>
absl::StatusOr<Response> WithResults(SwitchResult switched) {
  RETURN_IF_ERROR(switched.status);
  Response response;
  for (v1::ItemResult& item : switched.items) *response.add_results() = std::move(item);
  return response;
}

// As many as a host has at most.
constexpr int kMaxNames = static_cast<int>(Registry::kMaxDrivers);

absl::Status CheckNumberOfNames(const v1::SwitchDriversRequest& request) {
  std::vector<FieldViolation> violations;
  const auto check = [&violations](absl::string_view field, int names) {
    if (names <= kMaxNames) return;
    violations.push_back({std::string(field), absl::StrCat("has ", names, " names; at most ",
                                                           kMaxNames, " are allowed")});
  };
  check("active", request.active_size());
  check("stopped", request.stopped_size());
  return MakeFieldErrors(violations);
}

}  // namespace

absl::Status LocalDriverOperations::PrepareDrivers(const std::vector<std::string>& to_run,
                                                   const std::vector<std::string>& to_stop) {
  const absl::Status prepared = ReadDriversFor(to_run);
  if (prepared.ok()) return prepared;
  // They don't come as far as the registry, which counts all others.
  const auto count = [&](bool running) {
    host_.counters().CountOperation(CountedKind::kDriver, CountedActionOf(running),
                                    v1::OUTCOME_REFUSED, ErrorReason(prepared));
  };
  for (size_t i = 0; i < to_run.size(); ++i) count(true);
  for (size_t i = 0; i < to_stop.size(); ++i) count(false);
  return prepared;
}

// A spec that only stops some drivers leaves the others to whoever is on the host.
absl::Status LocalDriverOperations::ReadDriversFor(const std::vector<std::string>& drivers) {
  RETURN_IF_ERROR(host_.SyncDrivers());
  ASSIGN_OR_RETURN(const v1::NodeSpec spec, host_.Spec());
  // What the agent would not undo is anybody's to do.
  const LenientSettings reported = LenientSettings::ReportedDrift(spec);
  if (!spec.drivers_active().empty() && !reported.Covers("drivers_active", "driver")) {
    return HeldBySpec("the drivers of this host are",
                      SourcesOf(host_.state(), "drivers_active", "driver"));
  }
  for (const std::string& driver : drivers) {
    for (const std::string& stopped : spec.drivers_stopped()) {
      const std::string subject = absl::StrCat("driver/", NormalizeDriverName(stopped));
      const bool same = absl::EqualsIgnoreCase(driver, stopped);
      if (!same || reported.Covers("drivers_stopped", subject)) continue;
      return HeldBySpec(absl::StrCat("driver ", stopped, " is stopped"),
                        SourcesOf(host_.state(), "drivers_stopped", subject));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<v1::ListDriversResponse> LocalDriverOperations::ListDrivers() {
  RETURN_IF_ERROR(host_.SyncDrivers());
  v1::ListDriversResponse response;
  for (v1::Driver& driver : host_.drivers().List()) *response.add_drivers() = std::move(driver);
  response.set_switching(host_.drivers().switching() ? v1::SWITCH_ON : v1::SWITCH_OFF);
  for (std::string& warning : host_.drivers().Warnings()) {
    response.add_warnings(std::move(warning));
  }
  for (std::string& driver : host_.drivers().Unregistered()) {
    response.add_unregistered(std::move(driver));
  }
  return response;
}

absl::StatusOr<v1::EnableDriverResponse> LocalDriverOperations::EnableDriver(
    const std::string& driver, absl::Duration time) {
  const absl::Time deadline = SteadyNow() + time;
  RETURN_IF_ERROR(PrepareDrivers({driver}, {}));
  return WithResults<v1::EnableDriverResponse>(host_.drivers().EnableOne(driver, deadline));
}

absl::StatusOr<v1::DisableDriverResponse> LocalDriverOperations::DisableDriver(
    const std::string& driver, absl::Duration time) {
  const absl::Time deadline = SteadyNow() + time;
  // To stop what is to be stopped is no contradiction.
  RETURN_IF_ERROR(PrepareDrivers({}, {driver}));
  return WithResults<v1::DisableDriverResponse>(host_.drivers().DisableOne(driver, deadline));
}

absl::StatusOr<v1::SwitchDriversResponse> LocalDriverOperations::SwitchDrivers(
    const v1::SwitchDriversRequest& request, absl::Duration time) {
  RETURN_IF_ERROR(CheckNumberOfNames(request));
  const absl::Time deadline = SteadyNow() + time;
  const std::vector<std::string> active(request.active().begin(), request.active().end());
  const std::vector<std::string> stopped(request.stopped().begin(), request.stopped().end());
  RETURN_IF_ERROR(PrepareDrivers(active, stopped));
  return WithResults<v1::SwitchDriversResponse>(
      host_.drivers().SwitchDrivers(active, stopped, deadline));
}

std::optional<v1::Driver> LocalDriverOperations::FindRegistered(const std::string& name) {
  for (v1::Driver& driver : host_.drivers().List()) {
    if (absl::EqualsIgnoreCase(driver.name(), name)) return std::move(driver);
  }
  return std::nullopt;
}

absl::StatusOr<v1::RegisterDriverResponse> LocalDriverOperations::RegisterDriver(
    const std::string& driver) {
  RETURN_IF_ERROR(ValidateDriverName(driver));
  const auto& names = host_.state().unregistered_drivers();
  const std::set<std::string> before(names.begin(), names.end());
  std::set<std::string> after = before;
  const bool was_out = after.erase(NormalizeDriverName(driver)) > 0;
  RETURN_IF_ERROR(host_.SyncDrivers());
  const bool was_there = FindRegistered(driver).has_value();
  host_.ReloadCatalogue();
  if (was_out) RETURN_IF_ERROR(host_.SetUnregistered(after));
  RETURN_IF_ERROR(host_.SyncDrivers());
  const std::optional<v1::Driver> registered = FindRegistered(driver);
  if (!registered.has_value()) {
    if (was_out) RETURN_IF_ERROR(host_.SetUnregistered(before));
    return NoSuchDriver(driver);
  }
  v1::RegisterDriverResponse response;
  v1::ItemResult& item = *response.add_results();
  item.set_subject(absl::StrCat("driver/", registered->name()));
  item.set_outcome(was_there ? v1::OUTCOME_ALREADY : v1::OUTCOME_CHANGED);
  item.set_message(was_there ? "registered already; its description was read again" : "registered");
  return response;
}

absl::Status LocalDriverOperations::NoSuchDriver(const std::string& name) {
  const std::shared_ptr<const CatalogueContent> catalogue = host_.catalogue().content();
  std::string known = absl::StrCat("nothing describes it: neither the kernel's list nor a file of ",
                                   absl::StrJoin(host_.catalogue().folders(), " or "));
  for (const DriverDefinition& driver : catalogue->drivers) {
    if (!absl::EqualsIgnoreCase(driver.name, name)) continue;
    const auto* knob = std::get_if<KnobDefinition>(&driver.how);
    known = absl::StrCat(
        driver.file, " describes it, but this host has ",
        knob != nullptr ? absl::StrCat("none of its files (", absl::StrJoin(knob->paths, ", "), ")")
                        : absl::StrCat("no unit ", std::get<UnitDefinition>(driver.how).unit,
                                       ", or no systemd that tells"));
  }
  if (!catalogue->problems.empty()) {
    absl::StrAppend(&known, "; not all files could be read: ", catalogue->problems.front());
  }
  return MakeError(absl::StatusCode::kNotFound, "DRIVER_NOT_FOUND",
                   absl::StrCat("there is no driver ", name, " on this host: ", known),
                   {{"driver", name}});
}

absl::StatusOr<v1::UnregisterDriverResponse> LocalDriverOperations::UnregisterDriver(
    const std::string& driver, absl::Duration time) {
  const absl::Time deadline = SteadyNow() + time;
  if (driver.empty()) return NoDriverError();
  RETURN_IF_ERROR(PrepareDrivers({}, {driver}));
  SwitchResult result = host_.drivers().Unregister(driver, deadline);
  RETURN_IF_ERROR(result.status);
  const auto& names = host_.state().unregistered_drivers();
  std::set<std::string> unregistered(names.begin(), names.end());
  unregistered.insert(NormalizeDriverName(driver));
  const absl::Status saved = host_.SetUnregistered(unregistered);
  if (!saved.ok()) {
    host_.drivers().SetUnregistered({names.begin(), names.end()});
    return absl::Status(saved.code(),
                        absl::StrCat(driver, " is stopped, but that it is unregistered could not ",
                                     "be saved, so it comes back: ", saved.message()));
  }
  result.items.front().mutable_message()->append("; `register` brings it back");
  return WithResults<v1::UnregisterDriverResponse>(std::move(result));
}

std::vector<std::string> LocalDriverOperations::DriverUnits() {
  std::vector<std::string> units;
  const std::shared_ptr<const CatalogueContent> catalogue = host_.catalogue().content();
  for (const v1::Driver& driver : host_.drivers().List()) {
    if (driver.provider() != v1::DRIVER_PROVIDER_UNIT) continue;
    for (const DriverDefinition& definition : catalogue->drivers) {
      const auto* unit = std::get_if<UnitDefinition>(&definition.how);
      if (unit != nullptr && definition.name == driver.name()) units.push_back(unit->unit);
    }
  }
  return units;
}

absl::StatusOr<v1::ListConflictingActorsResponse> LocalDriverOperations::ListConflictingActors() {
  RETURN_IF_ERROR(host_.SyncDrivers());
  ConflictingActors found = FindConflictingActors(host_.tree(), DriverUnits());
  v1::ListConflictingActorsResponse response;
  for (v1::ConflictingActor& actor : found.actors) *response.add_actors() = std::move(actor);
  for (std::string& warning : found.warnings) response.add_warnings(std::move(warning));
  return response;
}

absl::StatusOr<v1::SetSwitchingResponse> LocalDriverOperations::SetSwitching(v1::Switch switching) {
  if (switching != v1::SWITCH_ON && switching != v1::SWITCH_OFF) {
    return MakeFieldErrors({{"switching", "absent or unknown; it must be ON or OFF"}});
  }
  ASSIGN_OR_RETURN(const v1::NodeSpec spec, host_.Spec());
  const bool enforced = spec.switching() != v1::SWITCH_UNSPECIFIED &&
                        !LenientSettings::ReportedDrift(spec).Covers("switching", "switching");
  if (enforced && spec.switching() != switching) {
    return HeldBySpec("switching is", SourcesOf(host_.state(), "switching", "switching"));
  }
  RETURN_IF_ERROR(host_.SetSwitching(switching == v1::SWITCH_ON));
  v1::SetSwitchingResponse response;
  response.set_switching(switching);
  return response;
}

}  // namespace hotplugger::agent
