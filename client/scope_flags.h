// The flags of a scope: those that every verb of it takes.
#pragma once

#include <optional>
#include <string>

#include "absl/time/time.h"
#include "client/arguments.h"

namespace hotplugger::client {

// What they say. An absent one may have its value from elsewhere, see fleet_target.h.
struct ScopeFlags {
  bool host_scope = false;
  // Of the fleet.
  std::optional<std::string> controller;
  std::optional<std::string> context;
  bool insecure = false;
  bool verbose = false;
  // Of the host.
  std::optional<std::string> socket;
  std::optional<absl::Duration> timeout;
  std::string format = "table";
};

// `flags` must outlive the parsing; its host_scope says which flags there are.
void DeclareScopeFlags(Arguments& arguments, ScopeFlags* flags);

}  // namespace hotplugger::client
