// Whether the drivers of an `active` set may run side by side.
#pragma once

#include <string>
#include <vector>

#include "google/protobuf/map.h"
#include "google/protobuf/repeated_field.h"
#include "hotplugger/v1/driver.pb.h"

namespace hotplugger::server {

// A driver's name to its whitelist, as in a policy or a spec.
using WhitelistMap = google::protobuf::Map<std::string, v1::Whitelist>;

// One explanation for each pair that the whitelists forbid, naming the missing side (contract 8).
// A driver without an entry has a whitelist of its own that only its node knows: no problem here.
// Names are compared without regard to case.
std::vector<std::string> FindActiveSetProblems(
    const google::protobuf::RepeatedPtrField<std::string>& active, const WhitelistMap& whitelists);

}  // namespace hotplugger::server
