// What the validators of policies and holds share.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "common/error_info.h"
#include "google/protobuf/message.h"

namespace hotplugger::server {

using Violations = std::vector<FieldViolation>;

// Adds the error's message as a violation of `field`; nothing where `status` is ok.
void Check(const std::string& field, const absl::Status& status, Violations* violations);

// Adds a violation where `count` passes `limit`.
void CheckCount(const std::string& field, int count, int limit, Violations* violations);

// Adds a violation where `message` has fields that a newer client may ask for and this version
// would silently not do.
void CheckUnknownFields(const std::string& field, const google::protobuf::Message& message,
                        Violations* violations);

}  // namespace hotplugger::server
