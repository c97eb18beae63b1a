// Which nodes, policies or holds `hotplugctl get` lists, from its flags.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "client/arguments.h"
#include "client/commands/fleet/get_lists.h"

namespace hotplugger::client::fleet {

struct FilterOptions {
  // Of nodes.
  std::optional<std::string> selector;
  std::optional<std::string> policy;
  bool connected = false;
  bool not_connected = false;
  bool in_sync = false;
  bool out_of_sync = false;
  std::vector<std::string> states;
  std::optional<std::string> condition;
  // Of policies and of holds.
  std::optional<std::string> node;
  // Of holds.
  std::optional<std::string> subject;
  std::optional<std::string> author;
  std::optional<std::string> ticket;
  std::optional<std::string> expires_within;
};

// `options` must outlive the parsing.
void DeclareFilterOptions(Arguments& arguments, FilterOptions* options);

// Puts what the options say into the filters of `get`, whose kind and name are there.
// INVALID_ARGUMENT with every flag that is wrong, or that another kind would ignore.
absl::Status SetFilters(const FilterOptions& options, absl::Time now, GetOptions* get);

}  // namespace hotplugger::client::fleet
