// What a verb takes on the command line, without the parser's own types.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace hotplugger::client {

// Declares one verb's arguments. Targets are filled when the verb is parsed and must outlive that.
class Arguments {
 public:
  virtual ~Arguments() = default;

  // A positional argument that must be there; with `choices`, one of these.
  virtual void Required(const std::string& name, const std::string& help, std::string* target,
                        const std::vector<std::string>& choices) = 0;
  void Required(const std::string& name, const std::string& help, std::string* target) {
    Required(name, help, target, /*choices=*/{});
  }

  // A positional argument that may be left out.
  virtual void Optional(const std::string& name, const std::string& help,
                        std::optional<std::string>* target) = 0;

  // All positional arguments that are left; there may be none.
  virtual void Rest(const std::string& name, const std::string& help,
                    std::vector<std::string>* target) = 0;

  // `--name VALUE`, or "-n,--name" for a short form too.
  virtual void Option(const std::string& flag, const std::string& help, std::string* target,
                      bool required) = 0;
  void Option(const std::string& flag, const std::string& help, std::string* target) {
    Option(flag, help, target, /*required=*/false);
  }

  // `--name VALUE`, of which an empty value is told apart from none; `value` is its name in help.
  virtual void Value(const std::string& flag, const std::string& value, const std::string& help,
                     std::optional<std::string>* target) = 0;

  // `--name VALUE` with one of `choices`; the target's value is the default. `value` as in Value.
  virtual void Choice(const std::string& flag, const std::string& value, const std::string& help,
                      std::string* target, const std::vector<std::string>& choices) = 0;

  // `--name=VALUE` with one of `choices`, or `--name` alone, which means `bare`; the target's value
  // is what no flag means. A value that stands apart is not the flag's.
  virtual void Mode(const std::string& flag, const std::string& help, std::string* target,
                    const std::vector<std::string>& choices, const std::string& bare) = 0;

  // `--name VALUE`, any number of times.
  virtual void RepeatedOption(const std::string& flag, const std::string& help,
                              std::vector<std::string>* target) = 0;

  // `--name` alone, or "-n,--name".
  virtual void Switch(const std::string& flag, const std::string& help, bool* target) = 0;

  // `--name 1m30s`: more than 0, at most an hour; the target's value is the default.
  virtual void DurationOption(const std::string& flag, const std::string& help,
                              absl::Duration* target) = 0;

  // The same where another place may have the value; `shown` is the default in help.
  virtual void MaybeDuration(const std::string& flag, const std::string& help,
                             const std::string& shown, std::optional<absl::Duration>* target) = 0;
};

}  // namespace hotplugger::client
