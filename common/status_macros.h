// RETURN_IF_ERROR and ASSIGN_OR_RETURN for absl::Status and absl::StatusOr.
#pragma once

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#define HOTPLUGGER_CONCAT_INNER(a, b) a##b
#define HOTPLUGGER_CONCAT(a, b) HOTPLUGGER_CONCAT_INNER(a, b)

// Returns from the function if `expression`, an absl::Status, is an error.
#define RETURN_IF_ERROR(expression)                                           \
  do {                                                                        \
    if (absl::Status status_of_macro = (expression); !status_of_macro.ok()) { \
      return status_of_macro;                                                 \
    }                                                                         \
  } while (false)

#define HOTPLUGGER_ASSIGN_OR_RETURN(temporary, target, expression) \
  auto temporary = (expression);                                   \
  if (!temporary.ok()) return std::move(temporary).status();       \
  target = *std::move(temporary)

// Assigns the value of `expression`, an absl::StatusOr, to `target`, or returns its error.
#define ASSIGN_OR_RETURN(target, expression) \
  HOTPLUGGER_ASSIGN_OR_RETURN(HOTPLUGGER_CONCAT(status_or_, __LINE__), target, expression)
