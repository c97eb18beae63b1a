#pragma once

#include <string>
#include <vector>

#include "client/output.h"
#include "google/protobuf/repeated_field.h"
#include "hotplugger/v1/driver.pb.h"

namespace hotplugger::client {

// Of one driver: NAME PROVIDER STATE WHITELIST DETAIL.
std::vector<std::string> DriverCells(const v1::Driver& driver);

// One a row; DETAIL only where a driver has one.
Table DriverTable(const google::protobuf::RepeatedPtrField<v1::Driver>& drivers);

}  // namespace hotplugger::client
