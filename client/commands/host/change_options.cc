#include "client/commands/host/change_options.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/error_info.h"

namespace hotplugger::client::host {
namespace {

constexpr size_t kDigestLength = 64;
constexpr size_t kMaxBootIdLength = 64;

bool IsDigest(absl::string_view text) {
  return text.size() == kDigestLength && std::all_of(text.begin(), text.end(), [](char c) {
           return absl::ascii_isdigit(static_cast<unsigned char>(c)) || (c >= 'a' && c <= 'f');
         });
}

bool IsBootId(absl::string_view text) {
  return !text.empty() && text.size() <= kMaxBootIdLength &&
         std::all_of(text.begin(), text.end(), absl::ascii_isgraph);
}

}  // namespace

void DeclareChangeOptions(Arguments& arguments, ChangeFlags* flags) {
  arguments.Switch("--all-or-nothing", "where one device fails, undo those that were done",
                   &flags->all_or_nothing);
  arguments.Value("--deadline", "DURATION",
                  "for each device, 1s to 1h; a memory block past it stays online [60s]",
                  &flags->deadline);
  arguments.Switch("--dry-run",
                   "change nothing; print what would be done, and the stamp of that plan. Exit "
                   "status: 0 nothing is refused, 64 some, 1 all",
                   &flags->dry_run);
  arguments.Value("--plan-stamp", "BOOT:DIGEST",
                  "act only if nothing has changed since the plan that --dry-run printed",
                  &flags->plan_stamp);
}

v1::ChangeOptions ReadChangeOptions(const ChangeFlags& flags, Violations* violations) {
  v1::ChangeOptions options;
  if (flags.all_or_nothing) options.set_group(v1::GROUP_MODE_ALL_OR_NOTHING);
  if (flags.deadline) {
    *options.mutable_deadline() = ReadDeadline("--deadline", *flags.deadline, violations);
  }
  if (flags.plan_stamp) {
    *options.mutable_plan() =
        ValueOr("--plan-stamp", ParsePlanStamp(*flags.plan_stamp), violations);
  }
  return options;
}

std::string FormatPlanStamp(const v1::PlanStamp& stamp) {
  return absl::StrCat(stamp.boot_id(), ":", stamp.inventory_digest());
}

absl::StatusOr<v1::PlanStamp> ParsePlanStamp(absl::string_view text) {
  const size_t colon = text.rfind(':');
  if (colon == absl::string_view::npos || !IsBootId(text.substr(0, colon)) ||
      !IsDigest(text.substr(colon + 1))) {
    return MakeError(absl::StatusCode::kInvalidArgument, "BAD_PLAN_STAMP",
                     absl::StrCat(Quoted(text),
                                  " is no plan's stamp: a boot id, a colon and 64 hexadecimal "
                                  "digits, as --dry-run prints it"));
  }
  v1::PlanStamp stamp;
  stamp.set_boot_id(std::string(text.substr(0, colon)));
  stamp.set_inventory_digest(std::string(text.substr(colon + 1)));
  return stamp;
}

}  // namespace hotplugger::client::host
