#include "client/parser.h"

#include <functional>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "client/text.h"

namespace hotplugger::client {
namespace {

constexpr absl::Duration kMaxDuration = absl::Hours(1);
constexpr size_t kShownBytes = 64;

// Empty where `text` is a duration within bounds, as CLI11 wants it.
std::string CheckDuration(const std::string& text) {
  absl::Duration duration;
  if (absl::ParseDuration(text, &duration) && duration > absl::ZeroDuration() &&
      duration <= kMaxDuration) {
    return "";
  }
  return absl::StrCat("\"", text,
                      "\" is not a time above 0 and up to 1h, e.g. 250ms, 10s or 1m30s");
}

// What an argument holds may end up in a message of protobuf, whose strings are UTF-8; a path is
// the kernel's, who takes any bytes.
bool IsPath(const std::string& flag) {
  return absl::EndsWith(flag, "--file") || absl::EndsWith(flag, "--socket") ||
         absl::EndsWith(flag, "--directory");
}

// Empty where `text` is UTF-8, as CLI11 wants it.
std::string CheckUtf8(absl::string_view text) {
  for (size_t i = 0; i < text.size();) {
    const size_t length = Utf8SequenceLength(text.substr(i));
    if (length == 0) {
      return absl::StrCat("\"", Printable(CutText(text, kShownBytes)), "\" is not UTF-8 (byte ",
                          i + 1, "); is the terminal or the script in another encoding?");
    }
    i += length;
  }
  return "";
}

CLI::Option* TextOnly(const std::string& name, CLI::Option* option) {
  if (IsPath(name)) return option;
  return option->check(CLI::Validator([](const std::string& text) { return CheckUtf8(text); }, ""));
}

void AddDuration(CLI::App* app, const std::string& flag, const std::string& help,
                 const std::string& shown, const std::function<void(absl::Duration)>& take) {
  app->add_option_function<std::string>(
         flag,
         [take](const std::string& text) {
           absl::Duration duration;
           // CheckDuration has accepted it.
           (void)absl::ParseDuration(text, &duration);
           take(duration);
         },
         help)
      ->check(CLI::Validator([](std::string& text) { return CheckDuration(text); }, ""))
      ->type_name("DURATION")
      ->default_str(shown);
}

}  // namespace

void ParserArguments::Required(const std::string& name, const std::string& help,
                               std::string* target, const std::vector<std::string>& choices) {
  CLI::Option* option =
      TextOnly(name, app_.add_option(name, *target, help)->required()->type_name(""));
  if (!choices.empty()) option->check(CLI::IsMember(choices));
}

void ParserArguments::Optional(const std::string& name, const std::string& help,
                               std::optional<std::string>* target) {
  TextOnly(name, app_.add_option_function<std::string>(
                     name, [target](const std::string& text) { *target = text; }, help))
      ->type_name("");
}

void ParserArguments::Rest(const std::string& name, const std::string& help,
                           std::vector<std::string>* target) {
  TextOnly(name, app_.add_option(name, *target, help)->type_name(""));
}

void ParserArguments::Option(const std::string& flag, const std::string& help, std::string* target,
                             bool required) {
  TextOnly(flag, app_.add_option(flag, *target, help)->required(required)->type_name("TEXT"));
}

void ParserArguments::Value(const std::string& flag, const std::string& value,
                            const std::string& help, std::optional<std::string>* target) {
  TextOnly(flag, app_.add_option_function<std::string>(
                     flag, [target](const std::string& text) { *target = text; }, help))
      ->type_name(value);
}

void ParserArguments::Choice(const std::string& flag, const std::string& value,
                             const std::string& help, std::string* target,
                             const std::vector<std::string>& choices) {
  app_.add_option(flag, *target, help)
      ->check(CLI::IsMember(choices))
      ->capture_default_str()
      ->type_name(value);
}

void ParserArguments::Mode(const std::string& flag, const std::string& help, std::string* target,
                           const std::vector<std::string>& choices, const std::string& bare) {
  // Help shows the flag as FLAG{BARE}; what else it takes the verb's own text tells.
  app_.add_flag(absl::StrCat(flag, "{", bare, "}"), *target, help)
      ->check(CLI::Validator(
          [is_member = CLI::IsMember(choices)](std::string& text) { return is_member(text); }, ""));
}

void ParserArguments::RepeatedOption(const std::string& flag, const std::string& help,
                                     std::vector<std::string>* target) {
  // One value a flag: what follows is a positional argument again.
  TextOnly(flag, app_.add_option(flag, *target, help))->allow_extra_args(false)->type_name("TEXT");
}

void ParserArguments::Switch(const std::string& flag, const std::string& help, bool* target) {
  app_.add_flag(flag, *target, help);
}

void ParserArguments::DurationOption(const std::string& flag, const std::string& help,
                                     absl::Duration* target) {
  AddDuration(&app_, flag, help, absl::FormatDuration(*target),
              [target](absl::Duration duration) { *target = duration; });
}

void ParserArguments::MaybeDuration(const std::string& flag, const std::string& help,
                                    const std::string& shown,
                                    std::optional<absl::Duration>* target) {
  AddDuration(&app_, flag, help, shown, [target](absl::Duration duration) { *target = duration; });
}

}  // namespace hotplugger::client
