// Addresses at which the programs listen, and are reached: "HOST:PORT".
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace hotplugger {

// INVALID_ARGUMENT (reason BAD_ADDRESS, as below) unless the host is an IPv4 address, an IPv6
// address in brackets, "localhost", or nothing: all of this host's IPv4 addresses.
absl::Status CheckListenAddress(absl::string_view address);

// The same for /metrics: Debian's civetweb, which serves it, is built without IPv6, and would only
// say that it can't listen.
absl::Status CheckMetricsListenAddress(absl::string_view address);

// INVALID_ARGUMENT unless others can be told `address`: a host and a port, neither of them open.
absl::Status CheckReachedAddress(absl::string_view address);

// `address` with the host that an empty one means.
std::string WithHost(absl::string_view address);

// How others reach what listens, or would like to, at `listen`, which CheckListenAddress takes:
// under `node` where that is all of the host's addresses. Empty: not at all, since it is on
// loopback, which is another host to everybody else. `port`: what port 0 became; 0: nobody knows,
// and the answer is empty where `listen` doesn't say it either.
std::string ReachedAddress(absl::string_view listen, int port, absl::string_view node);

}  // namespace hotplugger
