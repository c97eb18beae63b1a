#include "client/link/grpc_host_client.h"

#include <utility>

#include "hotplugger/v1/host_service.grpc.pb.h"

namespace hotplugger::client {
namespace {

class GrpcHostClient final : public HostClient {
 public:
  GrpcHostClient(const std::shared_ptr<grpc::Channel>& channel, Peer peer)
      : peer_(std::move(peer)), host_(channel) {}

  absl::StatusOr<v1::ListDevicesResponse> ListDevices(
      const v1::ListDevicesRequest& request) override {
    return Call(host_, &v1::HostService::Stub::ListDevices, request, peer_);
  }
  absl::StatusOr<v1::OfflineDeviceResponse> OfflineDevice(
      const v1::OfflineDeviceRequest& request) override {
    return Call(host_, &v1::HostService::Stub::OfflineDevice, request, peer_);
  }
  absl::StatusOr<v1::OnlineDeviceResponse> OnlineDevice(
      const v1::OnlineDeviceRequest& request) override {
    return Call(host_, &v1::HostService::Stub::OnlineDevice, request, peer_);
  }
  absl::StatusOr<v1::ListDriversResponse> ListDrivers(
      const v1::ListDriversRequest& request) override {
    return Call(host_, &v1::HostService::Stub::ListDrivers, request, peer_);
  }
  absl::StatusOr<v1::EnableDriverResponse> EnableDriver(
      const v1::EnableDriverRequest& request) override {
    return Call(host_, &v1::HostService::Stub::EnableDriver, request, peer_);
  }
  absl::StatusOr<v1::DisableDriverResponse> DisableDriver(
      const v1::DisableDriverRequest& request) override {
    return Call(host_, &v1::HostService::Stub::DisableDriver, request, peer_);
  }
  absl::StatusOr<v1::SwitchDriversResponse> SwitchDrivers(
      const v1::SwitchDriversRequest& request) override {
    return Call(host_, &v1::HostService::Stub::SwitchDrivers, request, peer_);
  }
  absl::StatusOr<v1::SetSwitchingResponse> SetSwitching(
      const v1::SetSwitchingRequest& request) override {
    return Call(host_, &v1::HostService::Stub::SetSwitching, request, peer_);
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
