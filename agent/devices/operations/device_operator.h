// device_offline and device_online (contract 24 to 31): checks, journal, one write, verification.
#pragma once

#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "agent/counters/agent_counters.h"
#include "agent/devices/inventory/device_reader.h"
#include "agent/devices/operations/journal.h"
#include "agent/devices/operations/kernel_writer.h"
#include "agent/devices/rules/causes.h"
#include "agent/devices/rules/device_change.h"
#include "agent/devices/rules/device_plan.h"
#include "agent/devices/rules/safety_limits.h"
#include "common/clock.h"
#include "hotplugger/v1/device.pb.h"

namespace hotplugger::agent {

// How one change is carried out.
struct OperationOptions {
  static constexpr absl::Duration kDefaultDeadline = absl::Seconds(60);

  // How long the kernel may take.
  absl::Duration deadline = kDefaultDeadline;
  // The journal's; 0: of no group.
  uint64_t group = 0;
  // Puts back what the group changed; a journal that can't be written (a full disk) doesn't stop
  // it.
  bool undo = false;
  // Who wants it so.
  OperationOrigin origin = OperationOrigin::kDecision;
  // Whether it is an operation by itself; of a part of one its caller counts how that has ended.
  bool count = true;
};

// Not safe for concurrent use: the host's operation queue calls it.
class DeviceOperator {
 public:
  struct Parts {
    DeviceReader& reader;
    KernelWriter& writer;
    Journal& journal;
    SafetyLimits limits;
    // SteadyNow as a rule: deadlines are measured by it.
    Clock& clock;
    // Every operation is counted, and how long the kernel took.
    AgentCounters& counters;
  };

  // All parts outlive this.
  explicit DeviceOperator(Parts parts) : parts_(std::move(parts)) {}

  // Carries out one change. Ok, CHANGED or ALREADY, means that attribute and mask
  // were read back so. Otherwise an error whose message and reason say why: NOT_FOUND (no such
  // device), FAILED_PRECONDITION (not hotpluggable, a limit, the kernel's refusal),
  // DEADLINE_EXCEEDED (STUCK, or a memory offline aborted: OFFLINE_ABORTED), ABORTED (NOT_VERIFIED:
  // somebody else switches it too) and others of the table in causes.h.
  absl::StatusOr<v1::ItemResult> Change(const DeviceChange& change,
                                        const OperationOptions& options = {});

  // A CPU that is offline already is so by a person's decision from now on, whatever took it: a
  // line in the journal, where that doesn't speak of a decision yet.
  absl::Status NoteOffline(absl::string_view cpu);

  // Sets SMT within `limit`: "smt" first, then every CPU that came or went with it. `held_offline`
  // are taken offline again where the kernel brought them up (kernel 2.3). An error: nothing was
  // changed. A part that failed is an item.
  absl::StatusOr<std::vector<v1::ItemResult>> SetSmt(
      const SmtChange& change, const CpuSet& held_offline,
      absl::Duration limit = OperationOptions::kDefaultDeadline,
      OperationOrigin origin = OperationOrigin::kDecision);

  // Counts an operation that has ended so: one that did not come as far as Change or SetSmt, or
  // consisted of several calls.
  void Count(const DeviceChange& change, const v1::ItemResult& item);
  void Count(const SmtChange& change, const v1::ItemResult& item);

  // What the kernel says of the device now; of SMT whether it is on. NOT_FOUND and others.
  absl::StatusOr<v1::DeviceState> ReadState(absl::string_view device);

  const SafetyLimits& limits() const { return parts_.limits; }
  Journal& journal() { return parts_.journal; }

  // Whether the device's last act has failed and may yet have its effect, or had it unseen.
  bool IsInDoubt(absl::string_view device) const;

 private:
  absl::StatusOr<v1::ItemResult> ChangeByKind(const DeviceChange& change,
                                              const OperationOptions& options);
  // A change of one kind: the rules on fresh facts, then the write with its journal.
  absl::StatusOr<v1::ItemResult> ChangeCpu(const DeviceChange& change,
                                           const OperationOptions& options);
  absl::StatusOr<v1::ItemResult> ChangeMemory(const DeviceChange& change,
                                              const OperationOptions& options);
  absl::StatusOr<v1::ItemResult> ChangeGeneric(const DeviceChange& change,
                                               const OperationOptions& options);

  // Journal, write, cause, verification, journal. `before`: what the device is.
  absl::StatusOr<v1::ItemResult> Carry(const DeviceChange& change, const DeviceBefore& before,
                                       const OperationOptions& options,
                                       const CauseContext& context);
  absl::Status Write(const DeviceChange& change, absl::Duration limit, CauseContext context);
  // The kernel's answer to `write`, and how long it took.
  absl::StatusOr<KernelWriter::Answer> AskKernel(
      CountedKind kind, CountedAction action,
      absl::FunctionRef<absl::StatusOr<KernelWriter::Answer>()> write);
  // An aborted memory offline: `refusal` where the block is online again, else what it is.
  absl::Status CheckAborted(const DeviceChange& change, absl::Status refusal);
  absl::Status Verify(const DeviceChange& change);
  absl::Status VerifyCpu(int cpu, bool online);
  // Whether the kernel may still be at the device's last act, or has its answer to give.
  bool IsUnsettled(absl::string_view device) const;
  absl::Status VerifyMemory(const DeviceChange& change);

  absl::StatusOr<std::vector<v1::ItemResult>> SetSmtUncounted(const SmtChange& change,
                                                              const CpuSet& held_offline,
                                                              absl::Duration limit,
                                                              OperationOrigin origin);
  absl::Status WriteSmt(const SmtChange& change, absl::Duration limit);
  void TakeHeldOffline(const CpuSet& held_offline, const CpuSnapshot& before, absl::Duration limit,
                       std::vector<v1::ItemResult>* items);

  Parts parts_;
};

}  // namespace hotplugger::agent
