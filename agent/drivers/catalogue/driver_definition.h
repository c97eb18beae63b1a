// Drivers described as data: what a file of drivers.d says of one.
#pragma once

#include <string>
#include <variant>
#include <vector>

namespace hotplugger::agent {

// One file of sysfs or procfs and what is written there.
struct KnobWrite {
  // As in KnobDefinition::paths; every file that it matches is written.
  std::string path;
  std::string value;

  bool operator==(const KnobWrite&) const = default;
};

// A driver that a file switches (kernel 5.8).
struct KnobDefinition {
  // Where the driver shows whether it runs: paths below the host's root, as "sys/module/x/enabled",
  // in which * ? [] stand for parts of one name. The first that has any file wins, with all files
  // that it matches: one for each cluster of cores, say.
  std::vector<std::string> paths;
  // What the file reads when the driver runs and when it doesn't; the first of each is also what
  // is written there. Neither is empty.
  std::vector<std::string> on;
  std::vector<std::string> off;
  // Written in this order instead, where one write doesn't do. "." as a path: the driver's own
  // file.
  std::vector<KnobWrite> start;
  std::vector<KnobWrite> stop;
  // Once stopped, the CPUs that it left offline come back.
  bool gives_back_cpus = false;

  bool operator==(const KnobDefinition&) const = default;
};

// A driver that is a unit of the service manager.
struct UnitDefinition {
  // "cpuplugd.service".
  std::string unit;

  bool operator==(const UnitDefinition&) const = default;
};

struct DriverDefinition {
  // contract 1.
  std::string name;
  // For a person, one line; may be empty.
  std::string description;
  // Whom it spares; none: nobody.
  std::vector<std::string> whitelist;
  std::variant<KnobDefinition, UnitDefinition> how;
  // The file that says so.
  std::string file;

  bool operator==(const DriverDefinition&) const = default;
};

}  // namespace hotplugger::agent
