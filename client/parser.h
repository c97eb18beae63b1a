// Arguments on CLI11, which only this and command_line.cc know.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>
#include <vector>

#include "client/arguments.h"

namespace hotplugger::client {

// Declares arguments on a CLI11 app, which must outlive it.
class ParserArguments final : public Arguments {
 public:
  explicit ParserArguments(CLI::App* app) : app_(*app) {}

  void Required(const std::string& name, const std::string& help, std::string* target,
                const std::vector<std::string>& choices) override;
  void Optional(const std::string& name, const std::string& help,
                std::optional<std::string>* target) override;
  void Rest(const std::string& name, const std::string& help,
            std::vector<std::string>* target) override;
  void Option(const std::string& flag, const std::string& help, std::string* target,
              bool required) override;
  void Value(const std::string& flag, const std::string& value, const std::string& help,
             std::optional<std::string>* target) override;
  void Choice(const std::string& flag, const std::string& value, const std::string& help,
              std::string* target, const std::vector<std::string>& choices) override;
  void Mode(const std::string& flag, const std::string& help, std::string* target,
            const std::vector<std::string>& choices, const std::string& bare) override;
  void RepeatedOption(const std::string& flag, const std::string& help,
                      std::vector<std::string>* target) override;
  void Switch(const std::string& flag, const std::string& help, bool* target) override;
  void DurationOption(const std::string& flag, const std::string& help,
                      absl::Duration* target) override;
  void MaybeDuration(const std::string& flag, const std::string& help, const std::string& shown,
                     std::optional<absl::Duration>* target) override;

 private:
  CLI::App& app_;
};

}  // namespace hotplugger::client
