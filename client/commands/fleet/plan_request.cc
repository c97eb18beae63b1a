#include "client/commands/fleet/plan_request.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "client/commands/fleet/core_subject.h"
#include "client/commands/fleet/hold_options.h"
#include "client/flag_values.h"
#include "client/policy_file/policy_source.h"
#include "client/text.h"
#include "common/error_info.h"
#include "common/proto_time.h"
#include "common/status_macros.h"

namespace hotplugger::client::fleet {
namespace {

constexpr int kMaxParallel = 100;
constexpr absl::Duration kMaxDeadline = absl::Minutes(10);

absl::Status BadArguments() {
  return MakeError(absl::StatusCode::kInvalidArgument, "BAD_ARGUMENTS",
                   "plan takes either -f FILE, or one of these as they would be given without it: "
                   "delete policy NAME; offline, online or release NODE SUBJECT; quarantine NODE "
                   "CPU");
}

absl::StatusOr<v1::Hold> HoldOf(const PlanOptions& options, v1::DeviceState state,
                                Session& session) {
  return MakeHold(*options.first, *options.second, state, HoldOptions(), session);
}

PlannedChange ToHold(const v1::Hold& hold) {
  PlannedChange change;
  change.what = absl::StrCat("hold/", hold.node(), "/", hold.subject(), " ",
                             ShortEnumName(*v1::DeviceState_descriptor(), hold.state()));
  change.resource = absl::StrCat("nodes/", hold.node(), "/holds/", hold.subject());
  *change.request.mutable_set_hold() = hold;
  return change;
}

PlannedChange ToRelease(const std::string& node, const std::string& subject) {
  PlannedChange change;
  change.what = absl::StrCat("hold/", node, "/", subject, " released");
  change.resource = absl::StrCat("nodes/", node, "/holds/", subject);
  change.request.mutable_release_hold()->set_node(node);
  change.request.mutable_release_hold()->set_subject(subject);
  return change;
}

absl::StatusOr<PlannedChange> ToDelete(const std::string& kind, const std::string& name) {
  if (kind != "policy") {
    return MakeFieldErrors({{"KIND", absl::StrCat(Quoted(kind),
                                                  " can't be planned to be deleted; policy can: "
                                                  "plan delete policy NAME")}});
  }
  PlannedChange change;
  change.what = absl::StrCat("policy/", name, " deleted");
  change.resource = absl::StrCat("policies/", name);
  change.request.set_delete_policy(name);
  return change;
}

// The change that the verb would make.
absl::StatusOr<PlannedChange> OfVerb(const PlanOptions& options, Session& session) {
  const std::string& verb = *options.verb;
  if (verb == "delete") return ToDelete(*options.first, *options.second);
  if (verb == "release") return ToRelease(*options.first, *options.second);
  if (verb == "online") {
    ASSIGN_OR_RETURN(const v1::Hold hold, HoldOf(options, v1::DEVICE_STATE_ONLINE, session));
    return ToHold(hold);
  }
  if (verb != "offline" && verb != "quarantine") return BadArguments();
  ASSIGN_OR_RETURN(v1::Hold hold, HoldOf(options, v1::DEVICE_STATE_OFFLINE, session));
  if (verb == "quarantine") {
    ASSIGN_OR_RETURN(*hold.mutable_subject(),
                     CoreSubject(*options.first, *options.second, session));
  }
  return ToHold(hold);
}

absl::StatusOr<std::vector<PlannedChange>> OfFiles(const std::string& source, std::istream& in) {
  ASSIGN_OR_RETURN(std::vector<SourcedPolicy> policies, ReadPolicySource(source, in));
  std::vector<PlannedChange> changes;
  for (SourcedPolicy& sourced : policies) {
    PlannedChange& change = changes.emplace_back();
    change.what = absl::StrCat("policy/", sourced.policy.name(), " applied");
    change.resource = absl::StrCat("policies/", sourced.policy.name());
    *change.request.mutable_apply_policy() = std::move(sourced.policy);
  }
  return changes;
}

absl::StatusOr<std::vector<PlannedChange>> ChangesOf(const PlanOptions& options, Session& session) {
  if (options.source && !options.verb) return OfFiles(*options.source, session.in);
  if (options.source || !options.second) return BadArguments();
  ASSIGN_OR_RETURN(PlannedChange change, OfVerb(options, session));
  return std::vector<PlannedChange>{std::move(change)};
}

}  // namespace

std::shared_ptr<PlanOptions> DeclarePlanOptions(Arguments& arguments) {
  auto options = std::make_shared<PlanOptions>();
  arguments.Optional("VERB", "the change: delete, offline, online, quarantine or release",
                     &options->verb);
  arguments.Optional("NODE", "the node's name; of delete: policy", &options->first);
  arguments.Optional("SUBJECT",
                     "what would be held or released: a device, e.g. cpu3 or memory32, "
                     "core/PACKAGE-DIE-CORE, or driver/NAME; of delete: the policy's name",
                     &options->second);
  arguments.Value("-f,--file", "FILE",
                  "each policy of a file, of a folder's .yaml, .yml and .json, or of - (standard "
                  "input), as if it were applied alone",
                  &options->source);
  arguments.Value("--parallel", "N", "so many nodes at once, 1 to 100 [16]", &options->parallel);
  arguments.Value("--deadline", "DURATION",
                  "for each node, 1s to 10m, its wait for earlier operations included [30s]",
                  &options->deadline);
  return options;
}

absl::StatusOr<std::vector<PlannedChange>> MakePlannedChanges(const PlanOptions& options,
                                                              Session& session) {
  v1::PlanChangeRequest asked;
  Violations violations;
  if (options.parallel) {
    asked.set_parallel(ReadNumber("--parallel", *options.parallel, 1, kMaxParallel, &violations));
  }
  *asked.mutable_deadline() =
      ReadDeadline("--deadline", options.deadline.value_or("30s"), &violations);
  if (ToDuration(asked.deadline()) > kMaxDeadline) {
    violations.push_back(
        {"--deadline", absl::StrCat(Quoted(*options.deadline), " is more than 10m")});
  }
  RETURN_IF_ERROR(MakeFieldErrors(violations));
  ASSIGN_OR_RETURN(std::vector<PlannedChange> changes, ChangesOf(options, session));
  for (PlannedChange& change : changes) change.request.MergeFrom(asked);
  return changes;
}

absl::Status NamePlanFlags(const absl::Status& status) {
  return NameFlags(status, {{"deadline", "--deadline"}, {"parallel", "--parallel"}});
}

}  // namespace hotplugger::client::fleet
