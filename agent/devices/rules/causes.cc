#include "agent/devices/rules/causes.h"

#include <algorithm>

namespace hotplugger::agent {
namespace {

bool Fits(const CauseRow& row, WriteKind kind, int error_number, const CauseContext& context) {
  return (!row.kind.has_value() || row.kind == kind) &&
         (row.error_number == 0 || row.error_number == error_number) &&
         (row.fits == nullptr || row.fits(context));
}

}  // namespace

const Cause& ExplainErrno(WriteKind kind, int error_number, const CauseContext& context) {
  const absl::Span<const CauseRow> rows = CauseTable();
  return std::find_if(rows.begin(), rows.end() - 1,
                      [&](const CauseRow& row) { return Fits(row, kind, error_number, context); })
      ->cause;
}

const char* WriteKindName(WriteKind kind) {
  switch (kind) {
    case WriteKind::kCpuOffline:
      return "cpu offline";
    case WriteKind::kCpuOnline:
      return "cpu online";
    case WriteKind::kMemoryOffline:
      return "memory offline";
    case WriteKind::kMemoryOnline:
      return "memory online";
    case WriteKind::kSmt:
      return "smt";
    case WriteKind::kGenericOffline:
      return "generic offline";
    case WriteKind::kGenericOnline:
      return "generic online";
  }
  return "unknown";
}

CauseContext CpuContext(const CpuSnapshot& cpus, int cpu) {
  const CpuMasks& masks = cpus.masks;
  CpuSet housekeeping = masks.online;
  for (const int isolated : masks.isolated) housekeeping.erase(isolated);
  for (const int tickless : masks.nohz_full) housekeeping.erase(tickless);
  const CpuSet alone = {cpu};
  CauseContext context;
  context.last_online = masks.online == alone;
  context.last_housekeeping = housekeeping == alone;
  context.may_keep_time = !masks.nohz_full.empty() && masks.nohz_full.count(cpu) == 0;
  context.smt_forced_off = cpus.smt.control() == v1::SMT_CONTROL_FORCEOFF;
  return context;
}

CauseContext MemoryContext(const MemorySnapshot& memory, int block) {
  CauseContext context;
  const auto found = memory.blocks.blocks.find(block);
  if (found != memory.blocks.blocks.end()) context.zone = found->second.zone;
  return context;
}

}  // namespace hotplugger::agent
