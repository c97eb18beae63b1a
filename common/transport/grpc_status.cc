#include "common/transport/grpc_status.h"

#include <string>

#include "absl/strings/cord.h"
#include "google/rpc/status.pb.h"

namespace hotplugger {
namespace {

// gRPC ends calls whose trailers pass the peer's limit of 8 KiB, so long messages are cut there and
// the details, which repeat them, are left out first.
constexpr size_t kMaxMessageLength = 4096;
constexpr size_t kMaxDetailsLength = 3072;

// At most `length` bytes, and no part of a character: half of one would make the whole message
// unreadable for protobuf, details and all.
std::string CutText(const std::string& text, size_t length) {
  if (text.size() <= length) return text;
  while (length > 0 && (static_cast<unsigned char>(text[length]) & 0xC0) == 0x80) --length;
  return text.substr(0, length);
}

}  // namespace

grpc::Status ToGrpcStatus(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  google::rpc::Status wire;
  wire.set_code(static_cast<int>(status.code()));
  std::string message(status.message());
  if (message.size() > kMaxMessageLength) {
    message = CutText(message, kMaxMessageLength) + " … (cut)";
  }
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
