#include "client/controller_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "client/flag_values.h"
#include "common/error_info.h"

namespace hotplugger::client {
namespace {

constexpr size_t kMaxHost = 253;
constexpr size_t kMaxSocketPath = sizeof(sockaddr_un::sun_path) - 1;

bool IsIpv6(absl::string_view text) {
  // With the interface that a link's own address needs: fe80::1%eth0.
  const std::string address(text.substr(0, text.find('%')));
  in6_addr parsed = {};
  return inet_pton(AF_INET6, address.c_str(), &parsed) == 1;
}

bool IsHost(absl::string_view text) {
  return !text.empty() && text.size() <= kMaxHost &&
         std::all_of(text.begin(), text.end(), [](unsigned char byte) {
           return absl::ascii_isalnum(byte) || byte == '-' || byte == '_' || byte == '.';
         });
}

bool IsPort(absl::string_view text) {
  int port = 0;
  return std::all_of(text.begin(), text.end(), absl::ascii_isdigit) &&
         absl::SimpleAtoi(text, &port) && port >= 1 && port <= 65535;
}

// What is wrong with it; "" where nothing is.
std::string ProblemOf(absl::string_view address) {
  absl::string_view path = address;
  if (absl::ConsumePrefix(&path, "unix:")) {
    if (absl::ConsumePrefix(&path, "//") && !absl::StartsWith(path, "/")) {
      return "has a host where unix: has none; write unix:PATH, e.g. unix:/run/controller.sock";
    }
    if (!path.empty() && path.size() <= kMaxSocketPath) return "";
    return absl::StrCat("has no path of 1 to ", kMaxSocketPath, " bytes after unix:");
  }
  if (absl::StrContains(address, "://")) {
    return "begins with a scheme; write HOST:PORT alone, e.g. 10.0.0.1:7443";
  }
  if (IsIpv6(address)) {
    return absl::StrCat("is an IPv6 address without a port; write [", address, "]:7443");
  }
  const size_t colon = address.rfind(':');
  absl::string_view host = address.substr(0, colon);
  const absl::string_view port =
      colon == absl::string_view::npos ? absl::string_view() : address.substr(colon + 1);
  if (absl::StartsWith(host, "[")) {
    host.remove_prefix(1);
    if (!absl::ConsumeSuffix(&host, "]") || !IsIpv6(host)) {
      return "has no IPv6 address in its brackets; write [ADDRESS]:PORT, e.g. [::1]:7443";
    }
  } else if (absl::StrContains(host, ':')) {
    return "has more than one colon; an IPv6 address stands in brackets, e.g. [::1]:7443";
  } else if (!IsHost(host)) {
    return "is not HOST:PORT, [IPV6]:PORT or unix:PATH, e.g. 127.0.0.1:7443";
  }
  return IsPort(port) ? "" : "has no port from 1 to 65535 at its end, e.g. :7443";
}

}  // namespace

absl::Status CheckControllerAddress(const std::string& place, absl::string_view address) {
  const std::string problem = ProblemOf(address);
  if (problem.empty()) return absl::OkStatus();
  return MakeFieldErrors({{place, absl::StrCat(Quoted(address), " ", problem)}});
}

}  // namespace hotplugger::client
