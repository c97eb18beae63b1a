// Where drivers that come and go are found, as those of the kernel's modules.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "agent/drivers/driver.h"
#include "hotplugger/v1/driver.pb.h"

namespace hotplugger::agent {

// What a provider has now.
struct DriverList {
  // In the provider's own order.
  std::vector<std::shared_ptr<HotplugDriver>> drivers;
  // False where there may be more than are listed: then nothing is taken for gone.
  bool complete = true;
  // What a person should know, e.g. that the list is cut.
  std::vector<std::string> warnings;
};

class DriverProvider {
 public:
  virtual ~DriverProvider() = default;

  // Which of the registry's drivers are this provider's.
  virtual v1::DriverProvider kind() const = 0;

  // Reads anew. An error where nothing can be told; a host without the thing has no drivers, which
  // is no error. Must not call the registry.
  virtual absl::StatusOr<DriverList> Refresh() = 0;
};

}  // namespace hotplugger::agent
