// What a hold is about: one device, core or driver of a node.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/core_name.h"

namespace hotplugger::server {

struct Subject {
  enum class Kind { kCpu, kCore, kMemory, kGeneric, kDriver };
  Kind kind = Kind::kCpu;
  // N of cpuN and memoryN.
  int number = 0;
  // "BUS/NAME" for kGeneric, the driver in lower case for kDriver.
  std::string name;
  // Of kCore.
  CoreName core;
};

// Reads "cpu3", "core/0-0-3", "memory32", "container/PNP0A06:00" or "driver/alucard".
// INVALID_ARGUMENT names what is wrong. SMT is no subject: policies set it.
absl::StatusOr<Subject> ParseSubject(absl::string_view text);

// The canonical text, as ParseSubject reads it.
std::string FormatSubject(const Subject& subject);

}  // namespace hotplugger::server
