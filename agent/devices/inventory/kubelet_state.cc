#include "agent/devices/inventory/kubelet_state.h"

#include <map>
#include <optional>
#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/error_info.h"
#include "common/status_macros.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"

namespace hotplugger::agent {
namespace {

using google::protobuf::Struct;
using google::protobuf::Value;

constexpr char kStateFile[] = "var/lib/kubelet/cpu_manager_state";

class StateParser {
 public:
  explicit StateParser(absl::string_view place) : place_(place) {}

  absl::StatusOr<std::vector<ExclusiveCpus>> Parse(absl::string_view json) {
    Struct state;
    const auto parsed = google::protobuf::util::JsonStringToMessage(std::string(json), &state);
    if (!parsed.ok()) {
      return Bad(absl::StrCat("is not JSON: ", std::string(parsed.message())));
    }
    const Value* policy = Find(state, "policyName");
    if (policy == nullptr || policy->kind_case() != Value::kStringValue) {
      return Bad("has no policyName");
    }
    if (policy->string_value() == "none") return std::vector<ExclusiveCpus>();
    const Value* entries = Find(state, "entries");
    if (entries == nullptr || entries->kind_case() == Value::kNullValue) {
      return std::vector<ExclusiveCpus>();
    }
    if (entries->kind_case() != Value::kStructValue) return Bad("has entries that are no object");
    for (const auto& [name, entry] : Sorted(entries->struct_value())) {
      RETURN_IF_ERROR(AddEntry(name, *entry));
    }
    return std::move(found_);
  }

 private:
  static const Value* Find(const Struct& object, const std::string& field) {
    const auto found = object.fields().find(field);
    return found == object.fields().end() ? nullptr : &found->second;
  }

  // Protobuf's maps have no order.
  static std::map<std::string, const Value*> Sorted(const Struct& object) {
    std::map<std::string, const Value*> fields;
    for (const auto& [name, value] : object.fields()) fields[name] = &value;
    return fields;
  }

  // `entry` is a pod with its containers, or, in the older form, a container.
  absl::Status AddEntry(const std::string& name, const Value& entry) {
    if (entry.kind_case() != Value::kStructValue) return AddContainer(name, entry);
    for (const auto& [container, cpus] : Sorted(entry.struct_value())) {
      RETURN_IF_ERROR(AddContainer(absl::StrCat(name, "/", container), *cpus));
    }
    return absl::OkStatus();
  }

  absl::Status AddContainer(const std::string& name, const Value& value) {
    const std::string field = absl::StrCat("entries[", absl::Utf8SafeCEscape(name), "]");
    if (value.kind_case() != Value::kStringValue) {
      return Bad(absl::StrCat("has ", field, " that is no string"));
    }
    const absl::StatusOr<CpuSet> cpus = ParseCpuList(value.string_value());
    if (!cpus.ok()) {
      return Bad(absl::StrCat("has a wrong ", field, ": ", cpus.status().message()));
    }
    if (cpus->empty()) return absl::OkStatus();
    found_.push_back({absl::StrCat("kubelet container ", name), *cpus});
    return absl::OkStatus();
  }

  absl::Status Bad(absl::string_view problem) const {
    return MakeError(
        absl::StatusCode::kFailedPrecondition, "BAD_CPU_MANAGER_STATE",
        absl::StrCat(
            place_, " ", problem,
            "; so it can't be told which CPUs containers have to themselves; where kubelet "
            "can't read it either, drain the node, stop kubelet, remove the file and start "
            "kubelet again"),
        {{"path", std::string(place_)}, {"retry", "CONDITIONAL"}});
  }

  const absl::string_view place_;
  std::vector<ExclusiveCpus> found_;
};

}  // namespace

absl::StatusOr<std::vector<ExclusiveCpus>> ReadKubeletCpus(const FileTree& tree) {
  ASSIGN_OR_RETURN(const std::optional<std::string> content, tree.ReadIfThere(kStateFile));
  if (!content.has_value()) return std::vector<ExclusiveCpus>();
  return ParseCpuManagerState(*content, tree.FullPath(kStateFile));
}

absl::StatusOr<std::vector<ExclusiveCpus>> ParseCpuManagerState(absl::string_view json,
                                                                absl::string_view place) {
  return StateParser(place).Parse(json);
}

}  // namespace hotplugger::agent
