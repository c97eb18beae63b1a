#include "server/fleet/node_errors.h"

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/error_info.h"

namespace hotplugger::server {
namespace {

constexpr absl::Duration kFullRetryDelay = absl::Seconds(30);

}  // namespace

absl::Status NodeNotFound(absl::string_view name) {
  return MakeError(absl::StatusCode::kNotFound, "NODE_NOT_FOUND",
                   absl::StrCat("node ", name,
                                " is not known here: it has never connected, or was deleted; "
                                "`hotplugctl get nodes` lists those that are"),
                   {{"node", std::string(name)}});
}

absl::Status NodeNotConnected(const std::string& node) {
  return MakeError(absl::StatusCode::kUnavailable, "NODE_NOT_CONNECTED",
                   absl::StrCat("node ", node,
                                " is not connected, so nothing was asked of it; look at its agent "
                                "there (systemctl status hotplugger-agent), and try again once "
                                "`hotplugctl get nodes` shows it connected"),
                   {{"node", node}});
}

absl::Status NodeIsConnected(const std::string& node) {
  return MakeError(
      absl::StatusCode::kFailedPrecondition, "NODE_CONNECTED",
      absl::StrCat("node ", node, " is connected and would be back at once; stop its agent first"),
      {{"node", node}});
}

absl::Status NameTaken(const v1::Hello& hello, const std::string& holder_boot_id) {
  return MakeError(
      absl::StatusCode::kAlreadyExists, "NODE_NAME_TAKEN",
      absl::StrCat("node name ", hello.node(), " is held by another live host (boot id ",
                   holder_boot_id, ", yours is ", hello.boot_id(),
                   "); give each host a name of its own. If that host is gone, its stream ends "
                   "within about a minute and this agent gets in by itself"),
      {{"node", hello.node()}, {"holder_boot_id", holder_boot_id}, {"boot_id", hello.boot_id()}});
}

absl::Status NameTakenByAgent(const v1::Hello& hello) {
  return WithRetryDelay(
      MakeError(
          absl::StatusCode::kAlreadyExists, "NODE_NAME_TAKEN",
          absl::StrCat("node name ", hello.node(),
                       " is held by another agent of the same boot (boot id ", hello.boot_id(),
                       "), which has come after this one; a host has one agent: stop one of "
                       "the two (pgrep hotplugger-agent), or give it another --node"),
          {{"node", hello.node()}, {"boot_id", hello.boot_id()}}),
      kFullRetryDelay);
}

absl::Status NameOfAnotherFleet(const v1::Hello& hello, const absl::Status& why) {
  return MakeError(
      absl::StatusCode::kAlreadyExists, "NODE_NAME_TAKEN",
      absl::StrCat("another agent calls itself ", hello.node(), " (boot id ", hello.boot_id(),
                   ") and is turned away (", ErrorReason(why), ", fleet \"", hello.fleet_id(),
                   "\"); if it is another host, e.g. a cloned one, give it a name of its own"));
}

absl::Status TooManyNodes(const v1::Hello& hello, size_t max_nodes) {
  return WithRetryDelay(
      MakeError(absl::StatusCode::kResourceExhausted, "TOO_MANY_NODES",
                absl::StrCat("node ", hello.node(), " can't join: ", max_nodes,
                             " nodes are known, the controller's --max-nodes; raise it, or "
                             "delete nodes that are gone"),
                {{"node", hello.node()}, {"max_nodes", absl::StrCat(max_nodes)}}),
      kFullRetryDelay);
}

absl::Status TooManyStreams(size_t waiting) {
  return WithRetryDelay(
      MakeError(absl::StatusCode::kResourceExhausted, "TOO_MANY_STREAMS",
                absl::StrCat(waiting,
                             " streams have connected without saying Hello yet, the limit; try "
                             "again later")),
      kFullRetryDelay);
}

absl::Status RegistryShuttingDown() {
  return MakeError(absl::StatusCode::kUnavailable, "SHUTTING_DOWN",
                   "the controller is shutting down; try again later");
}

}  // namespace hotplugger::server
