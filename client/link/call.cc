#include "client/link/call.h"

#include "absl/strings/str_cat.h"
#include "common/error_info.h"
#include "common/transport/grpc_status.h"

namespace hotplugger::client {

// Something may be there, but it doesn't speak as a controller does.
absl::Status NotTaken(const Peer& peer) {
  return MakeError(
      absl::StatusCode::kUnavailable, "UNREACHABLE",
      absl::StrCat("can't reach ", peer.who, " at ", peer.address, ": it took no call within ",
                   absl::FormatDuration(peer.call_timeout), "; ", peer.fix),
      {{"address", peer.address}});
}

absl::Status ConnectionLost(const Peer& peer, const grpc::Status& status) {
  return MakeError(absl::StatusCode::kUnavailable, "CONNECTION_LOST",
                   absl::StrCat("the connection to ", peer.who, " at ", peer.address,
                                " broke: ", status.error_message(), "; ", peer.fix),
                   {{"address", peer.address}});
}

absl::Status DescribeCallError(const grpc::Status& status, const Peer& peer, bool was_sent) {
  absl::Status error = DescribeCallError(status, peer);
  if (was_sent && ErrorReason(error) == "UNREACHABLE") return ConnectionLost(peer, status);
  if (!was_sent && ErrorReason(error) == "NO_ANSWER") return NotTaken(peer);
  return error;
}

absl::Status DescribeCallError(const grpc::Status& status, const Peer& peer) {
  absl::Status error = FromGrpcStatus(status);
  // With a reason it is the peer's own answer, and says all.
  if (!ErrorReason(error).empty()) return error;
  switch (error.code()) {
    case absl::StatusCode::kUnavailable:
      return MakeError(error.code(), "UNREACHABLE",
                       absl::StrCat("can't reach ", peer.who, " at ", peer.address, ": ",
                                    error.message(), "; ", peer.fix),
                       {{"address", peer.address}});
    case absl::StatusCode::kDeadlineExceeded:
      return MakeError(
          error.code(), "NO_ANSWER",
          absl::StrCat("called ", peer.who, " at ", peer.address, ", which did not answer within ",
                       absl::FormatDuration(peer.call_timeout),
                       "; it hangs, has too much to do, or is another program; what "
                       "was asked may still be done; ",
                       peer.late_fix),
          {{"address", peer.address}});
    case absl::StatusCode::kCancelled:
      // A server that ends cancels what comes at the last moment.
      return MakeError(absl::StatusCode::kUnavailable, "CONNECTION_LOST",
                       absl::StrCat(peer.who, " at ", peer.address,
                                    " broke off the call; is it being stopped? ", peer.fix),
                       {{"address", peer.address}});
    case absl::StatusCode::kUnimplemented:
      return MakeError(
          error.code(), "NO_SUCH_CALL",
          absl::StrCat(peer.who, " at ", peer.address, " doesn't know this call (", error.message(),
                       "); is it of an older version, or another program?"),
          {{"address", peer.address}});
    default:
      return error;
  }
}

}  // namespace hotplugger::client
