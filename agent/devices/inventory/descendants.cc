// The part of generic_device.h that walks the tree of devices.
#include <algorithm>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "agent/devices/inventory/generic_device.h"
#include "agent/devices/inventory/kernel_text.h"
#include "common/status_macros.h"

namespace hotplugger::agent {
namespace {

constexpr int kMaxLevels = 8;
constexpr size_t kMaxFolders = 4096;

// "container" of "../../../../bus/container". Nothing for a class: what is called `online` there is
// another thing.
std::optional<std::string> BusOf(absl::string_view subsystem_link) {
  const std::vector<absl::string_view> parts = absl::StrSplit(subsystem_link, '/');
  if (parts.size() < 2 || parts[parts.size() - 2] != "bus") return std::nullopt;
  return std::string(parts.back());
}

absl::string_view LastPart(absl::string_view path) {
  return path.substr(path.find_last_of('/') + 1);
}

class DescendantFinder {
 public:
  explicit DescendantFinder(const FileTree& tree) : tree_(tree) {}

  // Children have their folders in their parent's. What belongs to a container of the firmware, its
  // CPUs and memory, has not: the firmware's tree of devices tells, which links to the real ones.
  absl::Status Find(const std::string& device) {
    RETURN_IF_ERROR(Walk(device, 0, /*firmware=*/false));
    const std::string firmware_node = absl::StrCat(device, "/firmware_node");
    ASSIGN_OR_RETURN(const bool there, tree_.Exists(firmware_node));
    return there ? Walk(firmware_node, 0, /*firmware=*/true) : absl::OkStatus();
  }

  std::vector<std::string> names() const { return {names_.begin(), names_.end()}; }

 private:
  absl::Status Walk(const std::string& folder, int level, bool firmware) {
    if (level >= kMaxLevels) return absl::OkStatus();
    const absl::StatusOr<std::vector<std::string>> children = tree_.ListFolders(folder);
    if (absl::IsNotFound(children.status())) return absl::OkStatus();  // removed meanwhile
    if (!children.ok()) return children.status();
    for (const std::string& child : *children) {
      if (++folders_ > kMaxFolders) return absl::OkStatus();
      const std::string path = absl::StrCat(folder, "/", child);
      if (firmware) {
        RETURN_IF_ERROR(AddPhysical(path));
      } else {
        RETURN_IF_ERROR(AddIfOnline(path, child));
      }
      RETURN_IF_ERROR(Walk(path, level + 1, firmware));
    }
    return absl::OkStatus();
  }

  // physical_node, physical_node1, ...: the devices that the firmware's one stands for.
  absl::Status AddPhysical(const std::string& firmware_device) {
    std::vector<std::string> links;
    const absl::Status listed = tree_.Visit(firmware_device, [&](absl::string_view name, bool) {
      if (absl::StartsWith(name, "physical_node")) links.emplace_back(name);
    });
    if (absl::IsNotFound(listed)) return absl::OkStatus();
    RETURN_IF_ERROR(listed);
    for (const std::string& link : links) {
      const std::string path = absl::StrCat(firmware_device, "/", link);
      ASSIGN_OR_RETURN(const std::optional<std::string> target, tree_.ReadLink(path));
      if (!target.has_value()) continue;
      RETURN_IF_ERROR(AddIfOnline(path, std::string(LastPart(*target))));
    }
    return absl::OkStatus();
  }

  absl::Status AddIfOnline(const std::string& folder, const std::string& name) {
    const std::string file = absl::StrCat(folder, "/online");
    ASSIGN_OR_RETURN(const bool has_file, tree_.Exists(file));
    if (!has_file) return absl::OkStatus();
    ASSIGN_OR_RETURN(const std::optional<std::string> subsystem,
                     tree_.ReadLink(absl::StrCat(folder, "/subsystem")));
    const std::optional<std::string> bus = subsystem.has_value() ? BusOf(*subsystem) : std::nullopt;
    if (!bus.has_value()) return absl::OkStatus();
    const absl::StatusOr<bool> online = ReadFlag(tree_, file);
    if (absl::IsNotFound(online.status())) return absl::OkStatus();
    if (!online.ok()) return online.status();
    if (!*online) return absl::OkStatus();
    names_.insert(*bus == "cpu" || *bus == "memory" ? name : absl::StrCat(*bus, "/", name));
    return absl::OkStatus();
  }

  const FileTree& tree_;
  size_t folders_ = 0;
  std::set<std::string> names_;
};

}  // namespace

absl::StatusOr<std::vector<std::string>> FindOnlineDescendants(const FileTree& tree,
                                                               absl::string_view bus,
                                                               absl::string_view name) {
  RETURN_IF_ERROR(CheckFolderName(bus));
  RETURN_IF_ERROR(CheckFolderName(name));
  const std::string device = absl::StrCat("sys/bus/", bus, "/devices/", name);
  ASSIGN_OR_RETURN(const bool there, tree.Exists(device));
  DescendantFinder finder(tree);
  if (there) RETURN_IF_ERROR(finder.Find(device));
  return finder.names();
}

}  // namespace hotplugger::agent
