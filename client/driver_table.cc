#include "client/driver_table.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_join.h"
#include "client/text.h"

namespace hotplugger::client {

std::vector<std::string> DriverCells(const v1::Driver& driver) {
  return {driver.name(), ShortEnumName(*v1::DriverProvider_descriptor(), driver.provider()),
          ShortEnumName(*v1::DriverState_descriptor(), driver.state()),
          driver.whitelist_known() ? absl::StrJoin(driver.whitelist(), ",") : "unknown",
          driver.detail()};
}

Table DriverTable(const google::protobuf::RepeatedPtrField<v1::Driver>& drivers) {
  const bool details = std::any_of(drivers.begin(), drivers.end(), [](const v1::Driver& driver) {
    return !driver.detail().empty();
  });
  std::vector<std::string> headings = {"NAME", "PROVIDER", "STATE", "WHITELIST"};
  if (details) headings.push_back("DETAIL");
  Table table(headings);
  for (const v1::Driver& driver : drivers) {
    std::vector<std::string> row = DriverCells(driver);
    if (!details) row.pop_back();
    table.AddRow(std::move(row));
  }
  return table;
}

}  // namespace hotplugger::client
