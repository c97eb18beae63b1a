#include "client/link/grpc_host_client.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/error_info.h"
#include "hotplugger/v1/host_service.grpc.pb.h"

namespace hotplugger::client {
namespace {

// What the agent takes for a device where the request doesn't say (ChangeOptions.deadline).
constexpr absl::Duration kDefaultDeadline = absl::Seconds(60);
// What the agent takes for a change of drivers, once its turn has come.
constexpr absl::Duration kSwitchDeadline = absl::Seconds(60);
// A change waits for others in the agent's queue, and may be of many devices.
constexpr absl::Duration kChangeTime = absl::Hours(1);

// `peer` with the time that a change of devices may take.
Peer PeerForChange(Peer peer, const v1::ChangeOptions& options) {
  const absl::Duration deadline = options.has_deadline()
                                      ? absl::Seconds(options.deadline().seconds()) +
                                            absl::Nanoseconds(options.deadline().nanos())
                                      : kDefaultDeadline;
  peer.call_timeout = kChangeTime + deadline;
  peer.late_fix = "`hotplugctl --host devices` shows what was; fewer devices at once take less";
  return peer;
}

// The same for a change of drivers.
Peer PeerForSwitch(Peer peer) {
  peer.call_timeout = kChangeTime + kSwitchDeadline;
  peer.late_fix = "`hotplugctl --host drivers` shows what was";
  return peer;
}

class GrpcHostClient final : public HostClient {
 public:
  GrpcHostClient(const std::shared_ptr<grpc::Channel>& channel, Peer peer)
      : peer_(std::move(peer)), host_(channel) {}

  absl::StatusOr<v1::ListDevicesResponse> ListDevices(
      const v1::ListDevicesRequest& request) override {
    return Call(host_, &v1::HostService::Stub::ListDevices, request, peer_);
  }
  absl::StatusOr<v1::Device> GetDevice(const v1::GetDeviceRequest& request) override {
    return Call(host_, &v1::HostService::Stub::GetDevice, request, peer_);
  }
  absl::StatusOr<v1::OfflineDevicesResponse> OfflineDevices(
      const v1::OfflineDevicesRequest& request) override {
    return Call(host_, &v1::HostService::Stub::OfflineDevices, request,
                PeerForChange(peer_, request.options()));
  }
  absl::StatusOr<v1::OnlineDevicesResponse> OnlineDevices(
      const v1::OnlineDevicesRequest& request) override {
    return Call(host_, &v1::HostService::Stub::OnlineDevices, request,
                PeerForChange(peer_, request.options()));
  }
  absl::StatusOr<v1::SetSmtResponse> SetSmt(const v1::SetSmtRequest& request) override {
    return Call(host_, &v1::HostService::Stub::SetSmt, request,
                PeerForChange(peer_, request.options()));
  }
  absl::StatusOr<v1::PlanDevicesResponse> PlanDevices(
      const v1::PlanDevicesRequest& request) override {
    return Call(host_, &v1::HostService::Stub::PlanDevices, request, peer_);
  }
  absl::StatusOr<v1::ExplainDeviceResponse> ExplainDevice(
      const v1::ExplainDeviceRequest& request) override {
    return Call(host_, &v1::HostService::Stub::ExplainDevice, request, peer_);
  }

  absl::Status WatchDevices(const v1::WatchDevicesRequest& request, const OnDevices& on_devices,
                            std::stop_token stop) override {
    grpc::ClientContext context;
    const auto reader = host_.WatchDevices(&context, request);
    const std::stop_callback cancel(stop, [&context] { context.TryCancel(); });
    bool wanted = true;
    v1::WatchDevicesResponse response;
    while (wanted && reader->Read(&response)) wanted = on_devices(response);
    if (!wanted) context.TryCancel();
    const grpc::Status status = reader->Finish();
    if (!wanted || stop.stop_requested()) return absl::OkStatus();
    if (!status.ok()) return DescribeCallError(status, peer_);
    return MakeError(absl::StatusCode::kUnavailable, "WATCH_ENDED",
                     absl::StrCat(peer_.who, " at ", peer_.address,
                                  " ended the watch; is it being stopped? Watch again"));
  }

  absl::StatusOr<v1::ListDriversResponse> ListDrivers(
      const v1::ListDriversRequest& request) override {
    return Call(host_, &v1::HostService::Stub::ListDrivers, request, peer_);
  }
  absl::StatusOr<v1::EnableDriverResponse> EnableDriver(
      const v1::EnableDriverRequest& request) override {
    return Call(host_, &v1::HostService::Stub::EnableDriver, request, PeerForSwitch(peer_));
  }
  absl::StatusOr<v1::DisableDriverResponse> DisableDriver(
      const v1::DisableDriverRequest& request) override {
    return Call(host_, &v1::HostService::Stub::DisableDriver, request, PeerForSwitch(peer_));
  }
  absl::StatusOr<v1::SwitchDriversResponse> SwitchDrivers(
      const v1::SwitchDriversRequest& request) override {
    return Call(host_, &v1::HostService::Stub::SwitchDrivers, request, PeerForSwitch(peer_));
  }
  absl::StatusOr<v1::RegisterDriverResponse> RegisterDriver(
      const v1::RegisterDriverRequest& request) override {
    return Call(host_, &v1::HostService::Stub::RegisterDriver, request, PeerForSwitch(peer_));
  }
  absl::StatusOr<v1::UnregisterDriverResponse> UnregisterDriver(
      const v1::UnregisterDriverRequest& request) override {
    return Call(host_, &v1::HostService::Stub::UnregisterDriver, request, PeerForSwitch(peer_));
  }
  absl::StatusOr<v1::ListConflictingActorsResponse> ListConflictingActors(
      const v1::ListConflictingActorsRequest& request) override {
    return Call(host_, &v1::HostService::Stub::ListConflictingActors, request, peer_);
  }
  absl::StatusOr<v1::SetSwitchingResponse> SetSwitching(
      const v1::SetSwitchingRequest& request) override {
    return Call(host_, &v1::HostService::Stub::SetSwitching, request, PeerForSwitch(peer_));
  }

 private:
  const Peer peer_;
  v1::HostService::Stub host_;
};

}  // namespace

std::unique_ptr<HostClient> MakeGrpcHostClient(const std::shared_ptr<grpc::Channel>& channel,
                                               Peer peer) {
  return std::make_unique<GrpcHostClient>(channel, std::move(peer));
}

}  // namespace hotplugger::client
