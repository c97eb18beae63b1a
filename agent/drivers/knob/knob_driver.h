// One driver that files switch.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "agent/devices/inventory/file_tree.h"
#include "agent/devices/operations/kernel_writer.h"
#include "agent/drivers/catalogue/driver_definition.h"
#include "agent/drivers/cpu_control.h"
#include "agent/drivers/driver.h"
#include "common/cpu_list.h"
#include "common/mutex.h"

namespace hotplugger::agent {

// Whether a file's content stands for on; nothing where it stands for neither. Without regard to
// white space around it, or to case.
std::optional<bool> ReadKnob(const KnobDefinition& knob, absl::string_view content);

// See KnobDriverProvider.
class KnobDriver final : public HotplugDriver {
 public:
  // REQUIRES: the definition is a knob's. All else outlives this.
  KnobDriver(DriverDefinition definition, const FileTree& tree, KernelWriter& writer,
             CpuControl& control);

  absl::string_view name() const override { return definition_.name; }
  v1::DriverProvider provider() const override { return v1::DRIVER_PROVIDER_KNOB; }
  DriverWhitelist whitelist() const override { return definition_.whitelist; }
  std::string description() const override { return definition_.description; }
  absl::Status ChangeState(bool running, absl::Time deadline) override;
  absl::StatusOr<bool> IsRunning() override;
  std::string TakeRemark() override { return std::exchange(remark_, ""); }
  bool SameAs(const HotplugDriver& other) const override;

 private:
  // One file, one value.
  struct Write {
    std::string path;
    std::string value;
  };

  absl::StatusOr<std::vector<std::string>> Files() const;
  // What a change comes to on this host, in order.
  absl::StatusOr<std::vector<Write>> PlanWrites(bool running) const;
  absl::StatusOr<bool> ReadState() const;
  absl::Status CarryAll(const std::vector<Write>& writes, absl::Time deadline);
  absl::Status Carry(const Write& write, absl::Time deadline);
  // Puts the files back as they read before, the last first. `cause`, with what was undone.
  absl::Status Undo(const std::vector<Write>& before, const absl::Status& cause,
                    absl::Time deadline);
  absl::Status Explain(const Write& write, int error_number) const;

  // Of one that gives back CPUs.
  absl::Status Start(const std::vector<Write>& writes, absl::Time deadline);
  absl::Status Stop(const std::vector<Write>& writes, absl::Time deadline);
  std::optional<CpuSet> OnlineBefore();
  void SetOnlineBefore(std::optional<CpuSet> online);
  // None where that can't be read, so that none is given back.
  CpuSet OnlineNow() const;
  void NoteSeen(bool running);
  void GiveBackCpus(const CpuSet& online_before, absl::Time deadline);

  const DriverDefinition definition_;
  const KnobDefinition knob_;
  const FileTree& tree_;
  KernelWriter& writer_;
  CpuControl& control_;
  // For TakeRemark.
  std::string remark_;
  Mutex mutex_;
  // The CPUs that were online just before this agent started the driver, or when it first saw it
  // run. Nothing while it doesn't run.
  std::optional<CpuSet> online_before_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace hotplugger::agent
