// What is the matter with this host as a whole, by kind and since when.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/mutex.h"
#include "hotplugger/v1/node.pb.h"

namespace hotplugger::agent {

// Kinds, as in NodeCondition; docs/hotplugctl.md lists them.
inline constexpr char kStateNotSaved[] = "STATE_NOT_SAVED";
inline constexpr char kStateRestored[] = "STATE_RESTORED";
inline constexpr char kBaselineRebuilt[] = "BASELINE_REBUILT";
inline constexpr char kBaselineLost[] = "BASELINE_LOST";
inline constexpr char kSysfsReadOnly[] = "SYSFS_READ_ONLY";
inline constexpr char kMetricsNotServed[] = "METRICS_NOT_SERVED";
inline constexpr char kHealthNotServed[] = "HEALTH_NOT_SERVED";

// Safe for concurrent use.
class Conditions {
 public:
  // An inventory has so many; those that come later are left out.
  static constexpr size_t kMax = 16;

  // It is so now, since `now` unless it was so already.
  void Set(absl::string_view type, absl::string_view message, absl::Time now);
  // It is so no more.
  void Clear(absl::string_view type);

  // By type.
  std::vector<v1::NodeCondition> List() const;

 private:
  mutable Mutex mutex_;
  std::map<std::string, v1::NodeCondition, std::less<>> conditions_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace hotplugger::agent
