#include "client/parser.h"

#include "absl/strings/str_cat.h"

namespace hotplugger::client {
namespace {

constexpr absl::Duration kMaxDuration = absl::Hours(1);

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

}  // namespace

void ParserArguments::Required(const std::string& name, const std::string& help,
                               std::string* target, const std::vector<std::string>& choices) {
  CLI::Option* option = app_.add_option(name, *target, help)->required()->type_name("");
  if (!choices.empty()) option->check(CLI::IsMember(choices));
}

void ParserArguments::Optional(const std::string& name, const std::string& help,
                               std::optional<std::string>* target) {
  app_.add_option_function<std::string>(
          name, [target](const std::string& text) { *target = text; }, help)
      ->type_name("");
}

void ParserArguments::Rest(const std::string& name, const std::string& help,
                           std::vector<std::string>* target) {
  app_.add_option(name, *target, help)->type_name("");
}

void ParserArguments::Option(const std::string& flag, const std::string& help, std::string* target,
                             bool required) {
  app_.add_option(flag, *target, help)->required(required)->type_name("TEXT");
}

void ParserArguments::Value(const std::string& flag, const std::string& value,
                            const std::string& help, std::optional<std::string>* target) {
  app_.add_option_function<std::string>(
          flag, [target](const std::string& text) { *target = text; }, help)
      ->type_name(value);
}

void ParserArguments::RepeatedOption(const std::string& flag, const std::string& help,
                                     std::vector<std::string>* target) {
  // One value a flag: what follows is a positional argument again.
  app_.add_option(flag, *target, help)->allow_extra_args(false)->type_name("TEXT");
}

void ParserArguments::Switch(const std::string& flag, const std::string& help, bool* target) {
  app_.add_flag(flag, *target, help);
}

void ParserArguments::DurationOption(const std::string& flag, const std::string& help,
                                     absl::Duration* target) {
  app_.add_option_function<std::string>(
          flag,
          [target](const std::string& text) {
            // CheckDuration has accepted it.
            (void)absl::ParseDuration(text, target);
          },
          help)
      ->check(CLI::Validator([](std::string& text) { return CheckDuration(text); }, ""))
      ->type_name("DURATION")
      ->default_str(absl::FormatDuration(*target));
}

}  // namespace hotplugger::client
