#include "agent/drivers/knob/knob_provider.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "agent/drivers/knob/knob_driver.h"
#include "agent/drivers/knob/knob_files.h"

namespace hotplugger::agent {

absl::StatusOr<DriverList> KnobDriverProvider::Refresh() {
  DriverList list;
  const std::shared_ptr<const CatalogueContent> catalogue = catalogue_.content();
  list.warnings = catalogue->problems;
  for (const DriverDefinition& driver : catalogue->drivers) {
    const auto* knob = std::get_if<KnobDefinition>(&driver.how);
    if (knob == nullptr) continue;
    const absl::StatusOr<std::vector<std::string>> files = FindFirstKnobFiles(tree_, knob->paths);
    // What can't be told of one says nothing of the others, and it may be there.
    if (!files.ok()) {
      list.complete = false;
      list.warnings.push_back(absl::StrCat(driver.name, ": ", files.status().message()));
      continue;
    }
    if (files->empty()) continue;
    list.drivers.push_back(std::make_shared<KnobDriver>(driver, tree_, writer_, control_));
  }
  return list;
}

}  // namespace hotplugger::agent
