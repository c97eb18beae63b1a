// Drivers of the host's own kernel, by /sys/kernel/hotplugger (contract: the sysfs face).
#pragma once

#include "absl/status/statusor.h"
#include "agent/devices/inventory/file_tree.h"
#include "agent/devices/operations/kernel_writer.h"
#include "agent/drivers/driver_provider.h"

namespace hotplugger::agent {

// The kernel reads a name with "%30s", so a longer one can't be switched there.
inline constexpr size_t kMaxKernelSwitchName = 30;

// Refresh and the drivers' IsRunning are safe for concurrent use. Their ChangeState goes to the
// writer, so switches of these drivers belong on the host's operation queue.
class KernelDriverProvider final : public DriverProvider {
 public:
  // Both outlive this and every driver that it made.
  KernelDriverProvider(const FileTree& tree, KernelWriter& writer) : tree_(tree), writer_(writer) {}

  v1::DriverProvider kind() const override { return v1::DRIVER_PROVIDER_KERNEL; }

  // None, and no error, where the kernel has no such directory. A list that may be cut is
  // incomplete and warned of.
  absl::StatusOr<DriverList> Refresh() override;

 private:
  const FileTree& tree_;
  KernelWriter& writer_;
};

}  // namespace hotplugger::agent
