#include "client/verb_description.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_split.h"
#include "client/scope_flags.h"
#include "client/verb_table.h"

namespace hotplugger::client {
namespace {

using Kind = ArgumentDescription::Kind;

// Writes down what is declared; nothing is ever parsed.
class Recorder final : public Arguments {
 public:
  using Arguments::Option;
  using Arguments::Required;

  void Required(const std::string& name, const std::string& help, std::string* /*target*/,
                const std::vector<std::string>& choices) override {
    ArgumentDescription& argument = Add(Kind::kPositional, name, help);
    argument.choices = choices;
    argument.required = true;
  }
  void Optional(const std::string& name, const std::string& help,
                std::optional<std::string>* /*target*/) override {
    Add(Kind::kPositional, name, help);
  }
  void Rest(const std::string& name, const std::string& help,
            std::vector<std::string>* /*target*/) override {
    Add(Kind::kRest, name, help).repeated = true;
  }
  void Option(const std::string& flag, const std::string& help, std::string* /*target*/,
              bool required) override {
    ArgumentDescription& argument = Add(Kind::kOption, flag, help);
    argument.value = "TEXT";
    argument.required = required;
  }
  void Value(const std::string& flag, const std::string& value, const std::string& help,
             std::optional<std::string>* /*target*/) override {
    Add(Kind::kOption, flag, help).value = value;
  }
  void Choice(const std::string& flag, const std::string& value, const std::string& help,
              std::string* target, const std::vector<std::string>& choices) override {
    ArgumentDescription& argument = Add(Kind::kOption, flag, help);
    argument.value = value;
    argument.choices = choices;
    argument.shown_default = *target;
  }
  void Mode(const std::string& flag, const std::string& help, std::string* target,
            const std::vector<std::string>& choices, const std::string& /*bare*/) override {
    ArgumentDescription& argument = Add(Kind::kMode, flag, help);
    argument.choices = choices;
    argument.shown_default = *target;
  }
  void RepeatedOption(const std::string& flag, const std::string& help,
                      std::vector<std::string>* /*target*/) override {
    ArgumentDescription& argument = Add(Kind::kOption, flag, help);
    argument.value = "TEXT";
    argument.repeated = true;
  }
  void Switch(const std::string& flag, const std::string& help, bool* /*target*/) override {
    Add(Kind::kFlag, flag, help);
  }
  void DurationOption(const std::string& flag, const std::string& help,
                      absl::Duration* target) override {
    ArgumentDescription& argument = Add(Kind::kOption, flag, help);
    argument.value = "DURATION";
    argument.shown_default = absl::FormatDuration(*target);
  }
  void MaybeDuration(const std::string& flag, const std::string& help, const std::string& shown,
                     std::optional<absl::Duration>* /*target*/) override {
    ArgumentDescription& argument = Add(Kind::kOption, flag, help);
    argument.value = "DURATION";
    argument.shown_default = shown;
  }

  std::vector<ArgumentDescription> Take() { return std::move(arguments_); }

 private:
  ArgumentDescription& Add(Kind kind, const std::string& names, const std::string& help) {
    ArgumentDescription& argument = arguments_.emplace_back();
    argument.kind = kind;
    argument.names = absl::StrSplit(names, ',');
    argument.help = help;
    return argument;
  }

  std::vector<ArgumentDescription> arguments_;
};

ArgumentDescription HelpFlag() {
  ArgumentDescription help;
  help.kind = Kind::kFlag;
  help.names = {"-h", "--help"};
  help.help = "print help and exit";
  return help;
}

VerbDescription DescribeVerb(const Verb& verb) {
  VerbDescription description;
  description.name = verb.name;
  description.help = verb.help;
  if (verb.examples != nullptr) description.examples = absl::StrSplit(verb.examples, '\n');
  Recorder recorder;
  // What it returns keeps the targets, which nothing fills.
  (void)verb.declare(recorder);
  description.arguments = recorder.Take();
  return description;
}

}  // namespace

const VerbDescription* ScopeDescription::Find(const std::string& verb) const {
  const auto found = std::find_if(verbs.begin(), verbs.end(),
                                  [&](const VerbDescription& known) { return known.name == verb; });
  return found == verbs.end() ? nullptr : &*found;
}

ScopeDescription DescribeScope(bool host_scope) {
  ScopeDescription scope;
  scope.host_scope = host_scope;
  ScopeFlags flags;
  flags.host_scope = host_scope;
  Recorder recorder;
  DeclareScopeFlags(recorder, &flags);
  scope.flags = recorder.Take();
  scope.flags.push_back(HelpFlag());
  for (const Verb& verb : host_scope ? HostVerbs() : FleetVerbs()) {
    scope.verbs.push_back(DescribeVerb(verb));
  }
  return scope;
}

}  // namespace hotplugger::client
