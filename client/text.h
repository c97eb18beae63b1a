// Words for enum values. Text made safe to show is common's.
#pragma once

#include <string>

#include "common/text.h"
#include "google/protobuf/descriptor.h"

namespace hotplugger::client {

// "online" for DEVICE_STATE_ONLINE: the value's name without the enum's prefix, lower case.
std::string ShortEnumName(const google::protobuf::EnumValueDescriptor& value);

// The same by number; the number itself for one that this version doesn't know.
std::string ShortEnumName(const google::protobuf::EnumDescriptor& type, int number);

}  // namespace hotplugger::client
