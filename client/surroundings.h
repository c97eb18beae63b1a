// What a command line finds around it: who started it, where its output goes.
#pragma once

#include <optional>
#include <string>

namespace hotplugger::client {

// Not for concurrent use.
class Surroundings {
 public:
  virtual ~Surroundings() = default;

  // Whether standard output is a terminal.
  virtual bool OutputIsTerminal() const = 0;

  // Whether standard error is.
  virtual bool ErrorsAreOnTerminal() const = 0;

  // An environment variable, which may be empty; nothing where it isn't set.
  virtual std::optional<std::string> Variable(const std::string& name) const = 0;

  // "USER@HOST".
  virtual std::string Author() const = 0;

  // A random UUID, another one with each call.
  virtual std::string NewRequestId() = 0;
};

// Whether data may be coloured: on a terminal that can, unless NO_COLOR says no.
bool WantsColours(const Surroundings& surroundings);

}  // namespace hotplugger::client
