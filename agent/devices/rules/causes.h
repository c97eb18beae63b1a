// The kernel's answers to writes, as causes that a person can act on (kernel 2.2, 3.2): the one
// table. docs/causes.md shows it, and a test keeps the two equal.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "agent/devices/inventory/snapshot.h"
#include "agent/devices/rules/device_change.h"

namespace hotplugger::agent {

// What was tried when the kernel answered.
enum class WriteKind {
  kCpuOffline,
  kCpuOnline,
  kMemoryOffline,
  kMemoryOnline,
  kSmt,
  kGenericOffline,
  kGenericOnline,
};

// What tells causes of one errno apart.
struct CauseContext {
  // The device is the last one online, or the last that is neither isolated nor nohz_full.
  bool last_online = false;
  bool last_housekeeping = false;
  // The host has nohz_full CPUs, and this CPU is none of them: it may keep their time.
  bool may_keep_time = false;
  // The guest runs on Hyper-V (sys/bus/vmbus is there).
  bool hyper_v = false;
  // Memory: its zones are none, or it lies in a kernel zone.
  BlockZone zone = BlockZone::kUnknown;
  // smt/control says forceoff.
  bool smt_forced_off = false;
  // The write was aborted by our own deadline.
  bool aborted = false;
  // Names of descendants that are online.
  std::vector<std::string> online_descendants;
};

// Why the kernel refused, and what to do.
struct Cause {
  // UPPER_SNAKE_CASE.
  const char* reason;
  absl::StatusCode code;
  // Cause and fix, without the device's name.
  const char* message;
  v1::RetryClass retry;
};

// A row of the table, in the order in which rows are tried: the first that fits is the cause.
struct CauseRow {
  // Nothing: whatever was tried.
  std::optional<WriteKind> kind;
  // 0: any.
  int error_number;
  // What must hold, e.g. "the last CPU online"; "" where nothing need, and then `fits` is null.
  const char* condition;
  bool (*fits)(const CauseContext&);
  Cause cause;
};

// The whole table.
absl::Span<const CauseRow> CauseTable();

// The cause behind `error_number`, not 0. There is always one: the last row fits everything.
const Cause& ExplainErrno(WriteKind kind, int error_number, const CauseContext& context);

// "cpu offline", "memory online", ...: as the page has it.
const char* WriteKindName(WriteKind kind);

// The context of a change of a CPU or of memory, as far as the snapshot tells.
CauseContext CpuContext(const CpuSnapshot& cpus, int cpu);
CauseContext MemoryContext(const MemorySnapshot& memory, int block);

}  // namespace hotplugger::agent
