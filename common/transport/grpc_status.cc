#include "common/transport/grpc_status.h"

#include <string>

#include "absl/strings/cord.h"
#include "common/text.h"
#include "google/rpc/status.pb.h"

namespace hotplugger {
namespace {

// gRPC ends calls whose trailers pass the peer's limit of 8 KiB, so long messages are cut there and
// the details, which repeat them, are left out first.
constexpr size_t kMaxMessageLength = 4096;
constexpr size_t kMaxDetailsLength = 3072;

}  // namespace

grpc::Status ToGrpcStatus(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  google::rpc::Status wire;
  wire.set_code(static_cast<int>(status.code()));
  // Half a character would make the whole message unreadable for protobuf, details and all.
  const std::string message = CutText(status.message(), kMaxMessageLength);
  wire.set_message(CutText(message, kMaxDetailsLength / 2));
  status.ForEachPayload([&wire](absl::string_view type_url, const absl::Cord& payload) {
    auto* detail = wire.add_details();
    detail->set_type_url(std::string(type_url));
    detail->set_value(std::string(payload));
    if (wire.ByteSizeLong() > kMaxDetailsLength) wire.mutable_details()->RemoveLast();
  });
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()), message,
                      wire.SerializeAsString());
}

absl::Status FromGrpcStatus(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  absl::Status result(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
  google::rpc::Status wire;
  if (wire.ParseFromString(status.error_details())) {
    for (const auto& detail : wire.details()) {
      result.SetPayload(detail.type_url(), absl::Cord(detail.value()));
    }
  }
  return result;
}

}  // namespace hotplugger
