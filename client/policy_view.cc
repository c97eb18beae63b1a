#include "client/policy_view.h"

#include <algorithm>
#include <map>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "client/text.h"
#include "common/proto_time.h"
#include "google/protobuf/repeated_field.h"

namespace hotplugger::client {
namespace {

// A selector's names and values beyond these are only counted.
constexpr int kMaxShown = 3;

// "(a, b, c, +5)".
std::string FirstOf(const google::protobuf::RepeatedPtrField<std::string>& texts) {
  std::vector<std::string> shown(texts.begin(), texts.begin() + std::min(texts.size(), kMaxShown));
  const int more = texts.size() - kMaxShown;
  if (more > 0) shown.push_back(absl::StrCat("+", more));
  return absl::StrCat("(", absl::StrJoin(shown, ", "), ")");
}

// In the words that kubectl has for them.
std::string FormatRequirement(const v1::LabelRequirement& requirement) {
  switch (requirement.operator_()) {
    case v1::LabelRequirement::OPERATOR_IN:
      return absl::StrCat(requirement.key(), " in ", FirstOf(requirement.values()));
    case v1::LabelRequirement::OPERATOR_NOT_IN:
      return absl::StrCat(requirement.key(), " notin ", FirstOf(requirement.values()));
    case v1::LabelRequirement::OPERATOR_EXISTS:
      return requirement.key();
    case v1::LabelRequirement::OPERATOR_DOES_NOT_EXIST:
      return absl::StrCat("!", requirement.key());
    default:
      return absl::StrCat(requirement.key(), " ?");
  }
}

void AddHotAdd(v1::HotAdd hot_add, std::vector<std::string>* parts) {
  if (hot_add == v1::HOT_ADD_UNSPECIFIED) return;
  parts->push_back(absl::StrCat("hot-add:", ShortEnumName(*v1::HotAdd_descriptor(), hot_add)));
}

}  // namespace

std::string FormatSelector(const v1::Selector& selector) {
  std::vector<std::string> parts;
  // A protobuf map has no order.
  std::map<std::string, std::string> labels(selector.match_labels().begin(),
                                            selector.match_labels().end());
  parts.reserve(labels.size());
  for (const auto& [key, value] : labels) parts.push_back(absl::StrCat(key, "=", value));
  for (const v1::LabelRequirement& requirement : selector.match_expressions()) {
    parts.push_back(FormatRequirement(requirement));
  }
  if (selector.nodes_size() > 0) {
    parts.push_back(absl::StrCat("node in ", FirstOf(selector.nodes())));
  }
  return absl::StrJoin(parts, ",");
}

std::string FormatDrivers(const v1::DriverSettings& drivers) {
  std::vector<std::string> parts(drivers.active().begin(), drivers.active().end());
  for (const std::string& name : drivers.stopped()) parts.push_back(absl::StrCat(name, ":stopped"));
  if (drivers.switching() != v1::SWITCH_UNSPECIFIED) {
    parts.push_back(
        absl::StrCat("switching:", ShortEnumName(*v1::Switch_descriptor(), drivers.switching())));
  }
  return absl::StrJoin(parts, ",");
}

std::string FormatCpu(const v1::CpuSettings& cpu) {
  std::vector<std::string> parts;
  if (!cpu.offline().empty()) parts.push_back(absl::StrCat("offline:", cpu.offline()));
  if (cpu.has_online_count()) parts.push_back(absl::StrCat("online:", cpu.online_count()));
  if (cpu.has_online_percent()) parts.push_back(absl::StrCat("online:", cpu.online_percent(), "%"));
  if (cpu.smt() != v1::SMT_CONTROL_UNSPECIFIED) {
    parts.push_back(absl::StrCat("smt:", ShortEnumName(*v1::SmtControl_descriptor(), cpu.smt())));
  }
  AddHotAdd(cpu.hot_add(), &parts);
  return absl::StrJoin(parts, ",");
}

std::string FormatMemory(const v1::MemorySettings& memory) {
  std::vector<std::string> parts;
  if (!memory.offline_blocks().empty()) {
    parts.push_back(absl::StrCat("offline-blocks:", memory.offline_blocks()));
  }
  if (!memory.offline_bytes().empty()) {
    parts.push_back(absl::StrCat("offline:", memory.offline_bytes()));
  }
  AddHotAdd(memory.hot_add(), &parts);
  return absl::StrJoin(parts, ",");
}

std::string FormatDrift(const v1::Policy& policy) {
  return policy.drift() == v1::DRIFT_MODE_UNSPECIFIED
             ? ""
             : ShortEnumName(*v1::DriftMode_descriptor(), policy.drift());
}

std::string FormatConfirm(const v1::Policy& policy) {
  return policy.has_confirm() ? absl::FormatDuration(ToDuration(policy.confirm())) : "";
}

std::string FormatOnRelease(const v1::Policy& policy) {
  return policy.on_release() == v1::RELEASE_MODE_UNSPECIFIED
             ? ""
             : ShortEnumName(*v1::ReleaseMode_descriptor(), policy.on_release());
}

}  // namespace hotplugger::client
