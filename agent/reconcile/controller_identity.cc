#include "agent/reconcile/controller_identity.h"

#include <algorithm>
#include <cstddef>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/error_info.h"

namespace hotplugger::agent {
namespace {

// As the controller takes them in Hello.
constexpr size_t kMaxIdLength = 64;

bool IsId(const std::string& text) {
  return text.size() <= kMaxIdLength && std::all_of(text.begin(), text.end(), [](char c) {
           return absl::ascii_isprint(static_cast<unsigned char>(c));
         });
}

bool Differ(const std::string& obeyed, const std::string& controller) {
  return !obeyed.empty() && obeyed != controller;
}

}  // namespace

ControllerIdentity ObeyedController(const v1::AgentState& state) {
  return {state.largest_epoch(), state.fleet_id(), state.epoch_id()};
}

void SetObeyed(const ControllerIdentity& controller, v1::AgentState* state) {
  if (controller.fleet_id != state->fleet_id()) {
    state->clear_spec_epoch();
    state->clear_spec_store_revision();
  }
  state->set_largest_epoch(controller.epoch);
  state->set_fleet_id(controller.fleet_id);
  state->set_epoch_id(controller.epoch_id);
}

absl::Status CheckIds(const ControllerIdentity& controller) {
  if (IsId(controller.fleet_id) && IsId(controller.epoch_id)) return absl::OkStatus();
  return MakeError(
      absl::StatusCode::kInvalidArgument, "BAD_IDENTITY",
      absl::StrCat("the controller's fleet id or the id of its epoch is not at most ", kMaxIdLength,
                   " printable bytes, so it is not obeyed; whatever answers there is "
                   "no controller of a version that this agent knows"));
}

absl::Status CheckObeys(const ControllerIdentity& obeyed, const ControllerIdentity& controller) {
  if (Differ(obeyed.fleet_id, controller.fleet_id)) {
    return MakeError(
        absl::StatusCode::kFailedPrecondition, "FLEET_MISMATCH",
        absl::StrCat("this agent belongs to fleet ", obeyed.fleet_id,
                     " and refuses a controller of fleet \"", controller.fleet_id,
                     "\"; where the host is to change fleets, start the agent with --fleet, and "
                     "where the controller has lost its store, start that once with --take-over=",
                     obeyed.fleet_id, "@", obeyed.epoch),
        {{"fleet_id", obeyed.fleet_id}, {"controller_fleet_id", controller.fleet_id}});
  }
  if (controller.epoch < obeyed.epoch) {
    return MakeError(absl::StatusCode::kFailedPrecondition, "STALE_EPOCH",
                     absl::StrCat("this agent has obeyed a controller of epoch ", obeyed.epoch,
                                  " and refuses this one of epoch ", controller.epoch,
                                  "; ask the controller that leads the fleet"));
  }
  if (controller.epoch == obeyed.epoch && Differ(obeyed.epoch_id, controller.epoch_id)) {
    return MakeError(absl::StatusCode::kFailedPrecondition, "EPOCH_MISMATCH",
                     absl::StrCat("this agent has obeyed another controller of epoch ",
                                  obeyed.epoch, " of fleet ", obeyed.fleet_id,
                                  ": one of the two runs on a copy of the other's store; stop it"));
  }
  return absl::OkStatus();
}

}  // namespace hotplugger::agent
