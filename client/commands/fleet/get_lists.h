// What `hotplugctl get` shows of each kind.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "client/command.h"
#include "hotplugger/v1/fleet_service.pb.h"
#include "hotplugger/v1/policy_service.pb.h"

namespace hotplugger::client::fleet {

struct GetOptions {
  std::string kind;
  // Of one; the others are listed.
  std::optional<std::string> name;
  // Which ones are listed; of each kind its own.
  v1::NodeFilter nodes;
  v1::PolicyFilter policies;
  v1::HoldFilter holds;
  // Of one policy; 0: the current one.
  int64_t revision = 0;
  bool no_headers = false;
};

// How the options want a table.
TableStyle StyleOf(const GetOptions& options, const Session& session);

absl::Status GetNodes(const GetOptions& options, Session& session);
absl::Status GetPolicies(const GetOptions& options, Session& session);
absl::Status GetHolds(const GetOptions& options, Session& session);

// Each prints what there is, then each one that changes, until it is interrupted.
absl::StatusOr<ExitCode> WatchNodes(const GetOptions& options, Session& session);
absl::StatusOr<ExitCode> WatchPolicies(const GetOptions& options, Session& session);
absl::StatusOr<ExitCode> WatchHolds(const GetOptions& options, Session& session);

// `status`, the controller's answer to a list, with its fields named by their flags.
absl::Status NameFilterFlags(const absl::Status& status);

}  // namespace hotplugger::client::fleet
