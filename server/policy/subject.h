// What a hold is about: one device or driver of a node.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace hotplugger::server {

struct Subject {
  enum class Kind { kCpu, kDriver };
  Kind kind = Kind::kCpu;
  // For kCpu.
  int cpu = 0;
  // For kDriver, lower case.
  std::string driver;
};

// Reads "cpu3" or "driver/alucard". INVALID_ARGUMENT names what is wrong.
absl::StatusOr<Subject> ParseSubject(absl::string_view text);

// The canonical text, as ParseSubject reads it.
std::string FormatSubject(const Subject& subject);

}  // namespace hotplugger::server
