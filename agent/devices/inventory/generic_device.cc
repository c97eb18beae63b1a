#include "agent/devices/inventory/generic_device.h"

#include <algorithm>
#include <memory>
#include <optional>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "agent/devices/inventory/kernel_text.h"
#include "common/error_info.h"
#include "common/status_macros.h"

namespace hotplugger::agent {
namespace {

constexpr char kBusFolder[] = "sys/bus";
// Of one bus, so many devices are looked at.
constexpr size_t kMaxDevicesOfABus = 4096;

std::string DeviceFolder(absl::string_view bus, absl::string_view name) {
  return absl::StrCat(kBusFolder, "/", bus, "/devices/", name);
}

bool HasKindOfItsOwn(absl::string_view bus) { return bus == "cpu" || bus == "memory"; }

absl::Status AddDevicesOf(const FileTree& tree, const std::string& bus,
                          std::vector<GenericDevice>* devices, std::vector<std::string>* warnings) {
  const absl::StatusOr<std::unique_ptr<FileTree>> folder =
      tree.OpenFolder(absl::StrCat(kBusFolder, "/", bus, "/devices"));
  if (absl::IsNotFound(folder.status())) return absl::OkStatus();
  if (!folder.ok()) return folder.status();
  ASSIGN_OR_RETURN(std::vector<std::string> names, (*folder)->List("."));
  if (names.size() > kMaxDevicesOfABus) names.resize(kMaxDevicesOfABus);
  for (const std::string& name : names) {
    // By the whole path: links in the bus's folder lead out of it.
    const std::string path = absl::StrCat(DeviceFolder(bus, name), "/online");
    ASSIGN_OR_RETURN(const bool has_file, tree.Exists(path));
    if (!has_file) continue;
    const absl::StatusOr<bool> online = ReadFlag(tree, path);
    if (absl::IsNotFound(online.status())) continue;  // removed meanwhile
    if (!online.ok()) {
      // One device's driver must not hide all the others.
      warnings->push_back(
          absl::StrCat(bus, "/", name, " is left out: ", online.status().message()));
      continue;
    }
    devices->push_back({bus, name, *online});
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<GenericDevice>> ReadGenericDevices(const FileTree& tree,
                                                              std::vector<std::string>* warnings) {
  std::vector<GenericDevice> devices;
  const absl::StatusOr<std::vector<std::string>> buses = tree.List(kBusFolder);
  if (absl::IsNotFound(buses.status())) return devices;
  if (!buses.ok()) return buses.status();
  for (const std::string& bus : *buses) {
    if (HasKindOfItsOwn(bus)) continue;
    RETURN_IF_ERROR(AddDevicesOf(tree, bus, &devices, warnings));
  }
  return devices;
}

absl::StatusOr<GenericDevice> ReadGenericDevice(const FileTree& tree, absl::string_view bus,
                                                absl::string_view name) {
  RETURN_IF_ERROR(CheckFolderName(bus));
  RETURN_IF_ERROR(CheckFolderName(name));
  const std::string device = absl::StrCat(bus, "/", name);
  const std::string folder = DeviceFolder(bus, name);
  ASSIGN_OR_RETURN(const bool there, tree.Exists(folder));
  if (!there) {
    return MakeError(absl::StatusCode::kNotFound, "DEVICE_NOT_FOUND",
                     absl::StrCat("there is no device ", device, ": no ", tree.FullPath(folder)),
                     {{"device", device}});
  }
  const std::string file = absl::StrCat(folder, "/online");
  ASSIGN_OR_RETURN(const bool has_file, tree.Exists(file));
  if (!has_file) {
    return MakeError(absl::StatusCode::kFailedPrecondition, "NOT_HOTPLUGGABLE",
                     absl::StrCat("the kernel can't take ", device, " offline: it has no file ",
                                  tree.FullPath(file)),
                     {{"device", device}, {"retry", "PERMANENT"}});
  }
  ASSIGN_OR_RETURN(const bool online, ReadFlag(tree, file));
  return GenericDevice{std::string(bus), std::string(name), online};
}

}  // namespace hotplugger::agent
