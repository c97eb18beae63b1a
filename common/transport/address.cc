#include "common/transport/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/error_info.h"

namespace hotplugger {
namespace {

// 127.0.0.0/8, as numbers: a name that merely begins so may lead anywhere.
bool IsLoopback(absl::string_view host) {
  in_addr address = {};
  if (inet_pton(AF_INET, std::string(host).c_str(), &address) == 1) {
    return (ntohl(address.s_addr) >> 24) == 127;
  }
  return host == "localhost" || host == "[::1]";
}

}  // namespace

absl::Status CheckPlaintextAddress(absl::string_view flag, absl::string_view address,
                                   bool insecure) {
  if (absl::StartsWith(address, "unix:")) return absl::OkStatus();
  const size_t colon = address.rfind(':');
  int port = -1;
  if (colon == absl::string_view::npos || colon == 0 ||
      !absl::SimpleAtoi(address.substr(colon + 1), &port) || port < 0 || port > 65535) {
    return MakeFieldErrors({{std::string(flag), absl::StrCat("\"", address,
                                                             "\" is not HOST:PORT, e.g. "
                                                             "127.0.0.1:7443")}});
  }
  const absl::string_view host = address.substr(0, colon);
  if (IsLoopback(host) || insecure) return absl::OkStatus();
  return MakeError(absl::StatusCode::kPermissionDenied, "PLAINTEXT_REFUSED",
                   absl::StrCat(flag, ": ", address,
                                " is not a loopback address, and this version speaks plaintext "
                                "only; use a loopback address, or --insecure on a network where "
                                "everybody is trusted"));
}

}  // namespace hotplugger
