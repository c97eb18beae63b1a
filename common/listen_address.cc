#include "common/listen_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/error_info.h"

namespace hotplugger {
namespace {

// As long as DNS allows.
constexpr size_t kMaxHostLength = 253;
constexpr size_t kMaxPortDigits = 5;

struct HostAndPort {
  absl::string_view host;
  int port = 0;
};

std::optional<HostAndPort> Split(absl::string_view address) {
  const size_t colon = address.rfind(':');
  HostAndPort parts;
  if (colon == absl::string_view::npos) return std::nullopt;
  parts.host = address.substr(0, colon);
  const absl::string_view port = address.substr(colon + 1);
  // One way to write each: an address is a name, too, and bounded.
  const bool digits = !port.empty() && port.size() <= kMaxPortDigits &&
                      std::all_of(port.begin(), port.end(), absl::ascii_isdigit) &&
                      (port.size() == 1 || port.front() != '0');
  if (!digits || !absl::SimpleAtoi(port, &parts.port) || parts.port > 65535) return std::nullopt;
  return parts;
}

absl::Status Bad(absl::string_view address, absl::string_view why) {
  return MakeError(absl::StatusCode::kInvalidArgument, "BAD_ADDRESS",
                   absl::StrCat("\"", absl::CHexEscape(address), "\" ", why));
}

// `family`: AF_INET or AF_INET6.
bool IsNumeric(int family, absl::string_view host) {
  // Room for either. What is behind a NUL would not be looked at.
  in6_addr address = {};
  return host.find('\0') == absl::string_view::npos &&
         inet_pton(family, std::string(host).c_str(), &address) == 1;
}

bool IsIpv6InBrackets(absl::string_view host) {
  return absl::ConsumePrefix(&host, "[") && absl::ConsumeSuffix(&host, "]") &&
         IsNumeric(AF_INET6, host);
}

// What every server can listen at.
bool IsListenHost(absl::string_view host) {
  return host.empty() || host == "localhost" || IsNumeric(AF_INET, host);
}

// 127.0.0.0/8 and ::1.
bool IsLoopback(absl::string_view host) {
  in_addr address = {};
  if (inet_pton(AF_INET, std::string(host).c_str(), &address) == 1) {
    return (ntohl(address.s_addr) >> 24) == 127;
  }
  return host == "localhost" || host == "[::1]";
}

bool IsWildcard(absl::string_view host) {
  return host.empty() || host == "0.0.0.0" || host == "[::]";
}

// What may be a host's name, or an address.
bool IsHostCharacter(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '.' || c == '_';
}

}  // namespace

absl::Status CheckListenAddress(absl::string_view address) {
  const std::optional<HostAndPort> parts = Split(address);
  if (!parts) return Bad(address, "is not HOST:PORT, e.g. 0.0.0.0:9416");
  if (IsListenHost(parts->host) || IsIpv6InBrackets(parts->host)) return absl::OkStatus();
  return Bad(
      address,
      "has no address of this host before the port; give an IPv4 address, an IPv6 address in "
      "brackets, localhost, or nothing for all addresses");
}

absl::Status CheckMetricsListenAddress(absl::string_view address) {
  const std::optional<HostAndPort> parts = Split(address);
  if (!parts) return Bad(address, "is not HOST:PORT, e.g. 0.0.0.0:9416");
  if (IsListenHost(parts->host)) return absl::OkStatus();
  if (IsIpv6InBrackets(parts->host)) {
    return Bad(address,
               "has an IPv6 address before the port, and /metrics is served by IPv4 alone; give an "
               "IPv4 address, localhost, or nothing for all addresses");
  }
  return Bad(address,
             "has no address of this host before the port; give an IPv4 address, localhost, or "
             "nothing for all addresses");
}

absl::Status CheckReachedAddress(absl::string_view address) {
  const std::optional<HostAndPort> parts = Split(address);
  if (!parts || parts->host.empty() || parts->port == 0) {
    return Bad(address, "is not HOST:PORT, e.g. node1:9416");
  }
  const absl::string_view host = parts->host;
  const bool name =
      host.size() <= kMaxHostLength && std::all_of(host.begin(), host.end(), IsHostCharacter);
  if ((name || IsIpv6InBrackets(host)) && !IsWildcard(host)) return absl::OkStatus();
  return Bad(address,
             "has no host that others can reach before the port; give a name, an IPv4 address, or "
             "an IPv6 address in brackets");
}

std::string WithHost(absl::string_view address) {
  return absl::StartsWith(address, ":") ? absl::StrCat("0.0.0.0", address) : std::string(address);
}

std::string ReachedAddress(absl::string_view listen, int port, absl::string_view node) {
  const std::optional<HostAndPort> parts = Split(listen);
  if (!parts || IsLoopback(parts->host)) return "";
  if (parts->port != 0) port = parts->port;
  if (port == 0) return "";
  return absl::StrCat(IsWildcard(parts->host) ? node : parts->host, ":", port);
}

}  // namespace hotplugger
