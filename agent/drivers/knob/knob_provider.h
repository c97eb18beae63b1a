// Drivers that files of sysfs and procfs switch (kernel 5.8), as the catalogue describes them.
#pragma once

#include "absl/status/statusor.h"
#include "agent/devices/inventory/file_tree.h"
#include "agent/devices/operations/kernel_writer.h"
#include "agent/drivers/catalogue/catalogue.h"
#include "agent/drivers/cpu_control.h"
#include "agent/drivers/driver_provider.h"

namespace hotplugger::agent {

// Refresh and the drivers' IsRunning are safe for concurrent use. Their ChangeState goes to the
// writer and, for one that gives back CPUs, to `control`, so switches of these drivers belong on
// the host's operation queue.
//
// A driver is there when one of its paths is. It runs when any of its files reads as "on". Writes
// that were done before one that failed are put back to what the files read before.
class KnobDriverProvider final : public DriverProvider {
 public:
  // All outlive this and every driver that it made.
  KnobDriverProvider(const FileTree& tree, KernelWriter& writer, Catalogue& catalogue,
                     CpuControl& control)
      : tree_(tree), writer_(writer), catalogue_(catalogue), control_(control) {}

  v1::DriverProvider kind() const override { return v1::DRIVER_PROVIDER_KNOB; }

  // The catalogue's problems are among the warnings.
  absl::StatusOr<DriverList> Refresh() override;

 private:
  const FileTree& tree_;
  KernelWriter& writer_;
  Catalogue& catalogue_;
  CpuControl& control_;
};

}  // namespace hotplugger::agent
