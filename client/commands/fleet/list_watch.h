// Lists that go on: what there is, and then each one that changes.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/command.h"
#include "client/commands/fleet/get_lists.h"
#include "hotplugger/v1/watch_service.pb.h"

namespace hotplugger::client::fleet {

// One node, policy or hold, in the field of its kind.
using WatchedItem = v1::WatchFleetResponse;

// What a list is of. Functions get items of the kind alone; of one that is gone nothing but its
// name is known.
struct WatchedKind {
  v1::WatchFleetRequest::Kind kind = v1::WatchFleetRequest::KIND_UNSPECIFIED;
  // "node", in JSON and before names.
  std::string word = "";
  std::function<std::string(const WatchedItem&)> name = nullptr;
  std::function<const google::protobuf::Message&(const WatchedItem&)> message = nullptr;
  // Whether the list's filter lets it through.
  std::function<bool(const WatchedItem&)> wants = nullptr;
  std::function<Table()> table = nullptr;
  // A row of the table.
  std::function<void(const WatchedItem&, Table*)> add_row = nullptr;
  // The same where it is gone.
  std::function<void(const WatchedItem&, Table*)> add_gone = nullptr;
  // Tells what a person sees of one state from what they see of another.
  std::function<std::string(const WatchedItem&)> mark = nullptr;
  // Whether names will do of nodes, without inventory and spec.
  bool summary_only = false;
  // Other kinds that are watched, too. `on_other` is told of them, of resets and of `synced`; where
  // it says true, `wants` is another from now on.
  std::vector<v1::WatchFleetRequest::Kind> also = {};
  std::function<absl::StatusOr<bool>(const v1::WatchFleetResponse&)> on_other = nullptr;
};

// Prints until it is interrupted.
absl::StatusOr<ExitCode> WatchList(const WatchedKind& kind, const GetOptions& options,
                                   Session& session);

}  // namespace hotplugger::client::fleet
