// What each exit status means, for help, man pages and documents alike.
#pragma once

#include "absl/types/span.h"

namespace hotplugger::client {

struct ExitCodeText {
  int code;
  const char* meaning;
};

// By number.
absl::Span<const ExitCodeText> ExitCodeTexts();

}  // namespace hotplugger::client
