// Settings of a spec that the agent is not strict about: whose drift is only reported, or that are
// left as they are on release. Pure.
#pragma once

#include <set>
#include <string>

#include "absl/strings/string_view.h"
#include "hotplugger/v1/node.pb.h"

namespace hotplugger::agent {

class LenientSettings {
 public:
  // None.
  LenientSettings() = default;

  // Those of `spec` whose drift is reported and not undone.
  static LenientSettings ReportedDrift(const v1::NodeSpec& spec);
  // Those of `spec` that leave things as they are once it speaks of them no more.
  static LenientSettings LeftOnRelease(const v1::NodeSpec& spec);

  // The agent is strict about these subjects ("cpu3", "driver/alucard"), whatever their setting.
  LenientSettings Except(const std::set<std::string>& subjects) &&;

  // Whether what `setting` (a field of NodeSpec) says of `subject` is among them. Never what a hold
  // says. The drivers of drivers_active are one subject, "driver".
  bool Covers(absl::string_view setting, absl::string_view subject) const;

 private:
  using Names = google::protobuf::RepeatedPtrField<std::string>;
  LenientSettings(const Names& settings, const v1::NodeSpec& spec);

  std::set<std::string, std::less<>> settings_;
  std::set<std::string, std::less<>> strict_;
};

}  // namespace hotplugger::agent
