// What `hotplugctl get` shows of each kind.
#pragma once

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "client/command.h"

namespace hotplugger::client::fleet {

struct GetOptions {
  std::string kind;
  // Of one; the others are listed.
  std::optional<std::string> name;
  // Of nodes: that this policy matches; empty: all.
  std::string policy;
  // Of holds: of this node; empty: all.
  std::string node;
  // Of one policy; 0: the current one.
  int64_t revision = 0;
  bool no_headers = false;
};

// How the options want a table.
TableStyle StyleOf(const GetOptions& options, const Session& session);

absl::Status GetNodes(const GetOptions& options, Session& session);
// Prints nodes as they are, then each one that changes, until it is interrupted.
absl::StatusOr<ExitCode> WatchNodes(const GetOptions& options, Session& session);
absl::Status GetPolicies(const GetOptions& options, Session& session);
absl::Status GetHolds(const GetOptions& options, Session& session);

}  // namespace hotplugger::client::fleet
