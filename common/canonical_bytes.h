// A message's bytes, the same in every process: what digests are made of.
#pragma once

#include <string>

#include "google/protobuf/message_lite.h"

namespace hotplugger {

// Serialized with map entries in order. Lists stay as they are: who wants them sorted sorts them.
std::string CanonicalBytes(const google::protobuf::MessageLite& message);

}  // namespace hotplugger
