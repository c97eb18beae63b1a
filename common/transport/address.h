#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace hotplugger {

// Plaintext is for loopback and unix sockets alone: PERMISSION_DENIED for any other `address`
// ("HOST:PORT", "unix:PATH") unless `insecure` was asked for. INVALID_ARGUMENT for what is no
// address. `flag` is the flag that gave it, for the message.
absl::Status CheckPlaintextAddress(absl::string_view flag, absl::string_view address,
                                   bool insecure);

}  // namespace hotplugger
