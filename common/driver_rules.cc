#include "common/driver_rules.h"

#include <algorithm>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/error_info.h"
#include "common/status_macros.h"

namespace hotplugger {
namespace {

absl::Status BadName(absl::string_view name, absl::string_view problem) {
  return MakeError(absl::StatusCode::kInvalidArgument, "BAD_DRIVER_NAME",
                   absl::StrCat("driver name \"", absl::Utf8SafeCEscape(name.substr(0, 64)), "\" ",
                                problem, "; a name is 1 to ", kMaxDriverNameLength,
                                " printable bytes without spaces, '/', '[' or ']'"));
}

bool Lists(const std::vector<std::string>& whitelist, absl::string_view name) {
  return std::any_of(whitelist.begin(), whitelist.end(), [name](const std::string& listed) {
    return listed == "*" || absl::EqualsIgnoreCase(listed, name);
  });
}

}  // namespace

absl::Status ValidateDriverName(absl::string_view name) {
  if (name.empty()) return BadName(name, "is empty");
  if (name.size() > kMaxDriverNameLength) {
    return BadName(name, absl::StrCat("has ", name.size(), " bytes"));
  }
  for (const char c : name) {
    if (!absl::ascii_isgraph(static_cast<unsigned char>(c)) ||
        absl::string_view("/[]").find(c) != absl::string_view::npos) {
      return BadName(
          name, absl::StrCat("has the byte \"", absl::CEscape(absl::string_view(&c, 1)), "\""));
    }
  }
  // A lone star means every driver in a whitelist, so it can't be a driver.
  if (name == "*") return BadName(name, "stands for every driver and names none");
  return absl::OkStatus();
}

std::string NormalizeDriverName(absl::string_view name) { return absl::AsciiStrToLower(name); }

absl::Status ValidateWhitelist(absl::string_view driver,
                               const std::vector<std::string>& whitelist) {
  if (whitelist.size() > kMaxWhitelistLength) {
    return MakeError(absl::StatusCode::kInvalidArgument, "BAD_WHITELIST",
                     absl::StrCat("the whitelist of ", driver, " has ", whitelist.size(),
                                  " names; at most ", kMaxWhitelistLength, " are allowed"));
  }
  std::set<std::string> seen;
  for (const std::string& name : whitelist) {
    if (name != "*") RETURN_IF_ERROR(ValidateDriverName(name));
    absl::string_view problem;
    if (absl::EqualsIgnoreCase(name, driver)) problem = "which is the driver itself";
    if (!seen.insert(NormalizeDriverName(name)).second) problem = "twice";
    if (!problem.empty()) {
      return MakeError(absl::StatusCode::kInvalidArgument, "BAD_WHITELIST",
                       absl::StrCat("the whitelist of ", driver, " names ", name, " ", problem,
                                    "; name other drivers, each once, or \"*\" for all"));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> ParseSwitching(absl::string_view text) {
  const absl::string_view digit = absl::StripSuffix(text, "\n");
  if (digit == "0") return false;
  if (digit == "1") return true;
  return MakeError(absl::StatusCode::kInvalidArgument, "BAD_SWITCHING",
                   absl::StrCat("\"", absl::Utf8SafeCEscape(text.substr(0, 64)),
                                "\" is not a state of the switch; it is 0 (off) or 1 (on)"));
}

CoexistenceResult CheckCoexistence(absl::string_view starting, const DriverWhitelist& of_starting,
                                   absl::string_view running, const DriverWhitelist& of_running) {
  if (absl::EqualsIgnoreCase(starting, running)) return {Coexistence::kSpared, ""};
  const bool starting_objects = of_starting && !Lists(*of_starting, running);
  const bool running_objects = of_running && !Lists(*of_running, starting);
  if (starting_objects && running_objects) {
    return {Coexistence::kConflict,
            absl::StrCat("neither ", starting, " nor ", running, " whitelists the other")};
  }
  if (starting_objects || running_objects) {
    const absl::string_view missing = starting_objects ? starting : running;
    const absl::string_view other = starting_objects ? running : starting;
    const bool other_is_known = (starting_objects ? of_running : of_starting).has_value();
    return {Coexistence::kConflict,
            absl::StrCat(missing, " does not whitelist ", other,
                         other_is_known ? absl::StrCat(", though ", other, " whitelists ", missing)
                                        : std::string(),
                         "; whitelisting must be mutual, so add ", other, " to the whitelist of ",
                         missing, " to spare it")};
  }
  if (!of_starting || !of_running) {
    const absl::string_view unknown = of_starting ? running : starting;
    return {Coexistence::kUnknown,
            absl::StrCat("the whitelist of ", unknown, " can't be read; its provider decides")};
  }
  return {Coexistence::kSpared, ""};
}

}  // namespace hotplugger
