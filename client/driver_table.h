#pragma once

#include "client/output.h"
#include "google/protobuf/repeated_field.h"
#include "hotplugger/v1/driver.pb.h"

namespace hotplugger::client {

// NAME PROVIDER STATE WHITELIST DETAIL; DETAIL only where a driver has one.
Table DriverTable(const google::protobuf::RepeatedPtrField<v1::Driver>& drivers);

}  // namespace hotplugger::client
