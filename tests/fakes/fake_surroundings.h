// Surroundings that a test makes up. By default: a user at a host, no terminal, no variables.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "client/surroundings.h"

namespace hotplugger::client {

class FakeSurroundings final : public Surroundings {
 public:
  bool OutputIsTerminal() const override { return is_terminal; }
  bool ErrorsAreOnTerminal() const override { return errors_are_on_terminal; }

  std::optional<std::string> Variable(const std::string& name) const override {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  }

  std::string Author() const override { return author; }

  std::string NewRequestId() override { return absl::StrCat("request-", ++requests); }

  bool is_terminal = false;
  bool errors_are_on_terminal = false;
  std::map<std::string, std::string> variables;
  std::string author = "ada@desk";
  int requests = 0;
};

}  // namespace hotplugger::client
