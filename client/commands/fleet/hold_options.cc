#include "client/commands/fleet/hold_options.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "client/flag_values.h"
#include "common/core_name.h"
#include "common/proto_time.h"
#include "common/status_macros.h"

namespace hotplugger::client::fleet {
namespace {

// What a subject begins with that is a whole core.
constexpr absl::string_view kCore = "core/";

constexpr absl::Duration kMinTtl = absl::Seconds(1);
constexpr absl::Duration kMaxTtl = absl::Hours(24 * 3650);

void ReadTtl(const std::string& text, v1::Hold* hold, Violations* violations) {
  absl::Duration ttl;
  if (!ParseDurationOrDays(text, &ttl) || ttl < kMinTtl || ttl > kMaxTtl) {
    violations->push_back({"--for", absl::StrCat(Quoted(text),
                                                 " is not a time from 1s to 10 years, e.g. 30m, 2h "
                                                 "or 3d")});
    return;
  }
  SetDuration(ttl, hold->mutable_ttl());
}

void ReadUntil(const std::string& text, v1::Hold* hold, Violations* violations) {
  absl::Time until;
  std::string problem;
  if (!absl::ParseTime(absl::RFC3339_full, text, &until, &problem)) {
    violations->push_back(
        {"--until", absl::StrCat(Quoted(text),
                                 " is no date and time with its zone, e.g. 2026-12-01T08:00:00Z or "
                                 "2026-12-01T09:00:00+01:00")});
    return;
  }
  SetTimestamp(until, hold->mutable_expire_time());
}

// The controller knows all subjects; of a core what is wrong can be told here.
void CheckSubject(absl::string_view subject, Violations* violations) {
  if (!absl::StartsWith(subject, kCore)) return;
  const auto core = ParseCoreName(subject.substr(kCore.size()));
  if (!core.ok()) violations->push_back({"DEVICE", std::string(core.status().message())});
}

}  // namespace

void DeclareHoldOptions(Arguments& arguments, HoldOptions* options) {
  DeclareChangeOptions(arguments, &options->change);
  arguments.Value("--for", "DURATION", "it ends by itself after so long, e.g. 30m, 2h or 3d",
                  &options->ttl);
  arguments.Value("--until", "TIME", "it ends by itself then, e.g. 2026-12-01T08:00:00Z",
                  &options->until);
}

absl::StatusOr<v1::Hold> MakeHold(const std::string& node, const std::string& subject,
                                  v1::DeviceState state, const HoldOptions& options,
                                  const Session& session) {
  v1::Hold hold;
  hold.set_node(node);
  hold.set_subject(subject);
  hold.set_state(state);
  hold.set_reason(options.change.note.reason.value_or(""));
  hold.set_ticket(options.change.note.ticket.value_or(""));
  hold.set_author(AuthorOf(options.change.note, session));
  RETURN_IF_ERROR(CheckRequestId(options.change));
  Violations violations;
  CheckSubject(subject, &violations);
  if (options.ttl && options.until) {
    violations.push_back({"--until", "is given with --for; give one of the two"});
  } else if (options.ttl) {
    ReadTtl(*options.ttl, &hold, &violations);
  } else if (options.until) {
    ReadUntil(*options.until, &hold, &violations);
  }
  RETURN_IF_ERROR(MakeFieldErrors(violations));
  return hold;
}

}  // namespace hotplugger::client::fleet
