// The known drivers of a host: the files of its drivers.d folders together.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "agent/drivers/catalogue/driver_definition.h"
#include "common/mutex.h"

namespace hotplugger::agent {

// What was read at one moment.
struct CatalogueContent {
  // By name; without regard to case there is one of each.
  std::vector<DriverDefinition> drivers;
  // What is wrong, file by file; the other files count all the same.
  std::vector<std::string> problems;
};

// Reads every *.yaml of `folders`, in order of name. A later folder's driver replaces an earlier
// one's of that name; a second one of one folder is a problem and left out, as is what is past the
// limits: 512 files a folder, 1,024 drivers, kMaxPatternBytes. A folder that isn't there has no
// files.
CatalogueContent ReadCatalogue(const std::vector<std::string>& folders);

// Of all knobs' paths together: the writer gets them as arguments, of which the kernel takes no
// more than a part of the stack.
inline constexpr size_t kMaxPatternBytes = 64 * 1024;

// Safe for concurrent use.
class Catalogue {
 public:
  // Read at once, for the first time.
  explicit Catalogue(std::vector<std::string> folders);

  // What was read last.
  std::shared_ptr<const CatalogueContent> content();

  // Reads the folders again.
  void Reload();

  // Every pattern that a knob of it may be written by.
  std::vector<std::string> KnobPatterns();

  const std::vector<std::string>& folders() const { return folders_; }

 private:
  const std::vector<std::string> folders_;
  Mutex mutex_;
  std::shared_ptr<const CatalogueContent> content_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace hotplugger::agent
