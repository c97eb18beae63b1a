#include "client/link/grpc_connector.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <sys/un.h>

#include "absl/strings/str_cat.h"
#include "client/link/grpc_fleet_client.h"
#include "client/link/grpc_host_client.h"
#include "common/error_info.h"
#include "common/status_macros.h"
#include "common/transport/address.h"
#include "common/transport/channel_settings.h"

namespace hotplugger::client {
namespace {

// Pages of nodes and policies, and all devices of a large host, may pass what a message of the
// stream may have. gRPC's own limit is 4 MiB.
constexpr int kMaxAnswerBytes = 16 * kMaxMessageBytes;

constexpr int kReconnectBackoffMs = 200;

std::shared_ptr<grpc::Channel> MakeChannel(const std::string& address) {
  grpc::ChannelArguments arguments = ClientChannelArguments(kMaxAnswerBytes);
  // Calls that are tried again have a back-off of their own; until the channel's is over they would
  // be refused whether the controller is there again or not.
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, kReconnectBackoffMs);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, kReconnectBackoffMs);
  return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
}

class GrpcConnector final : public Connector {
 public:
  absl::StatusOr<std::unique_ptr<FleetClient>> ConnectFleet(const FleetTarget& target) override {
    RETURN_IF_ERROR(CheckPlaintextAddress("--controller", target.controller, target.insecure));
    return MakeGrpcFleetClient(
        MakeChannel(target.controller),
        {"the controller", target.controller,
         "check that hotplugger-controller runs there and that --controller, "
         "HOTPLUGGER_CONTROLLER or the context names it",
         target.call_timeout});
  }

  absl::StatusOr<std::unique_ptr<HostClient>> ConnectHost(const HostTarget& target) override {
    constexpr size_t kMaxPath = sizeof(sockaddr_un::sun_path) - 1;
    if (target.socket.empty() || target.socket.size() > kMaxPath) {
      return MakeFieldErrors(
          {{"--socket",
            absl::StrCat("\"", target.socket, "\" is not a path of 1 to ", kMaxPath, " bytes")}});
    }
    const std::string address = absl::StrCat("unix:", target.socket);
    return MakeGrpcHostClient(
        MakeChannel(address),
        {"the agent", address,
         "check that hotplugger-agent runs on this host, that --socket names its socket, and that "
         "you may open it (try as root)",
         target.call_timeout});
  }
};

}  // namespace

std::unique_ptr<Connector> MakeGrpcConnector() { return std::make_unique<GrpcConnector>(); }

}  // namespace hotplugger::client
