#include "agent/devices/rules/causes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/cpu_list.h"
#include "common/errno_status.h"

namespace hotplugger::agent {
namespace {

constexpr WriteKind kKinds[] = {WriteKind::kCpuOffline,    WriteKind::kCpuOnline,
                                WriteKind::kMemoryOffline, WriteKind::kMemoryOnline,
                                WriteKind::kSmt,           WriteKind::kGenericOffline,
                                WriteKind::kGenericOnline};

// Contexts with one thing set, or several where the order of rows decides.
CauseContext With(const std::vector<bool CauseContext::*>& facts) {
  CauseContext context;
  for (bool CauseContext::*fact : facts) context.*fact = true;
  return context;
}

CauseContext LastOnline() {
  return With({&CauseContext::last_online, &CauseContext::last_housekeeping});
}
CauseContext LastHousekeeping() {
  return With({&CauseContext::last_housekeeping, &CauseContext::may_keep_time});
}
CauseContext MayKeepTime() { return With({&CauseContext::may_keep_time, &CauseContext::hyper_v}); }
CauseContext HyperV() { return With({&CauseContext::hyper_v}); }
CauseContext ForcedOff() { return With({&CauseContext::smt_forced_off}); }
CauseContext Aborted() { return With({&CauseContext::aborted}); }

CauseContext Zone(BlockZone zone) {
  CauseContext context;
  context.zone = zone;
  return context;
}

CauseContext Descendant() {
  CauseContext context;
  context.online_descendants = {"cpu3"};
  return context;
}

struct Selection {
  WriteKind kind;
  int error_number;
  CauseContext context;
  const char* reason;
  v1::RetryClass retry;
};

std::vector<Selection> Selections() {
  const auto transient = v1::RETRY_CLASS_TRANSIENT;
  const auto conditional = v1::RETRY_CLASS_CONDITIONAL;
  const auto permanent = v1::RETRY_CLASS_PERMANENT;
  using W = WriteKind;
  return {
      {W::kCpuOffline, EBUSY, LastOnline(), "LAST_ONLINE_CPU", conditional},
      {W::kCpuOffline, EBUSY, LastHousekeeping(), "LAST_HOUSEKEEPING_CPU", conditional},
      {W::kCpuOffline, EBUSY, MayKeepTime(), "TIMEKEEPER_CPU", conditional},
      {W::kCpuOffline, EBUSY, HyperV(), "HYPERV_CHANNEL", conditional},
      {W::kCpuOffline, EBUSY, {}, "HOTPLUG_BUSY", transient},
      {W::kCpuOffline, EPERM, ForcedOff(), "OFFLINE_DISABLED", permanent},
      {W::kCpuOffline, EOPNOTSUPP, {}, "OFFLINE_UNSUPPORTED", permanent},
      {W::kCpuOffline, ENOSPC, {}, "NO_INTERRUPT_VECTORS", conditional},
      {W::kCpuOffline, EINVAL, {}, "DEVICE_NOT_FOUND", permanent},
      {W::kCpuOffline, ENOENT, {}, "NOT_HOTPLUGGABLE", permanent},
      {W::kCpuOffline, ENODEV, {}, "DEVICE_NOT_FOUND", permanent},
      {W::kCpuOffline, ECHILD, LastOnline(), "KERNEL_CALLBACK_FAILED", conditional},
      {W::kCpuOnline, EPERM, ForcedOff(), "SMT_FORCED_OFF", permanent},
      {W::kCpuOnline, EPERM, {}, "SMT_OFF", permanent},
      {W::kCpuOnline, EINVAL, {}, "DEVICE_NOT_FOUND", permanent},
      {W::kCpuOnline, EBUSY, HyperV(), "HOTPLUG_BUSY", transient},
      {W::kCpuOnline, ENODEV, {}, "NO_NUMA_NODE", permanent},
      {W::kCpuOnline, EIO, {}, "BRING_UP_FAILED", transient},
      {W::kCpuOnline, ETIMEDOUT, {}, "BRING_UP_FAILED", transient},
      {W::kCpuOnline, ECANCELED, {}, "BRING_UP_FAILED", transient},
      {W::kCpuOnline, ENOMEM, {}, "NO_MEMORY", transient},
      {W::kMemoryOffline, EINTR, Aborted(), "OFFLINE_ABORTED", conditional},
      {W::kMemoryOffline, EINTR, {}, "INTERRUPTED", transient},
      {W::kMemoryOffline, EINVAL, Zone(BlockZone::kNone), "NOT_OFFLINABLE", permanent},
      {W::kMemoryOffline, EINVAL, Zone(BlockZone::kMovable), "NOT_OFFLINABLE", permanent},
      {W::kMemoryOffline, EINVAL, Zone(BlockZone::kKernel), "NOT_OFFLINABLE", permanent},
      {W::kMemoryOffline, EINVAL, {}, "BLOCK_STATE_CHANGED", conditional},
      {W::kMemoryOffline, EBUSY, Zone(BlockZone::kMovable), "PINNED_PAGES", conditional},
      {W::kMemoryOffline, EBUSY, Zone(BlockZone::kKernel), "UNMOVABLE_PAGES", conditional},
      {W::kMemoryOffline, EBUSY, Zone(BlockZone::kUnknown), "UNMOVABLE_PAGES", conditional},
      {W::kMemoryOffline, EPERM, {}, "OFFLINE_VETOED", permanent},
      {W::kMemoryOffline, ENOMEM, {}, "HUGE_PAGES", conditional},
      {W::kMemoryOffline, EROFS, {}, "READ_ONLY_SYSFS", permanent},
      {W::kMemoryOnline, EHWPOISON, {}, "POISONED_MEMORY", permanent},
      {W::kMemoryOnline, EINVAL, Zone(BlockZone::kNone), "BLOCK_STATE_CHANGED", conditional},
      {W::kMemoryOnline, EPERM, {}, "ONLINE_VETOED", permanent},
      {W::kMemoryOnline, ENOMEM, {}, "NO_MEMORY", transient},
      {W::kMemoryOnline, EINTR, {}, "INTERRUPTED", transient},
      {W::kMemoryOnline, EBUSY, {}, "KERNEL_CALLBACK_FAILED", conditional},
      {W::kSmt, EPERM, ForcedOff(), "SMT_FORCED_OFF", permanent},
      {W::kSmt, EPERM, {}, "OFFLINE_DISABLED", permanent},
      {W::kSmt, ENODEV, {}, "SMT_NOT_SUPPORTED", permanent},
      {W::kSmt, ENOENT, {}, "SMT_NOT_SUPPORTED", permanent},
      {W::kSmt, EINVAL, {}, "SMT_THREADS_UNSUPPORTED", permanent},
      {W::kSmt, EBUSY, HyperV(), "HYPERV_CHANNEL", conditional},
      {W::kSmt, EBUSY, {}, "HOTPLUG_BUSY", transient},
      {W::kSmt, EOPNOTSUPP, {}, "OFFLINE_UNSUPPORTED", permanent},
      {W::kSmt, ENOSPC, {}, "NO_INTERRUPT_VECTORS", conditional},
      {W::kSmt, EIO, {}, "BRING_UP_FAILED", transient},
      {W::kSmt, ETIMEDOUT, {}, "BRING_UP_FAILED", transient},
      {W::kSmt, ECANCELED, {}, "BRING_UP_FAILED", transient},
      {W::kGenericOffline, EBUSY, Descendant(), "CHILD_ONLINE", conditional},
      {W::kGenericOffline, EBUSY, {}, "DEVICE_BUSY", conditional},
      {W::kGenericOffline, EPERM, {}, "OFFLINE_DISABLED", permanent},
      {W::kGenericOffline, ENODEV, {}, "DEVICE_NOT_FOUND", permanent},
      {W::kGenericOnline, EBUSY, Descendant(), "DEVICE_BUSY", conditional},
      {W::kGenericOnline, EACCES, {}, "NO_PERMISSION", permanent},
      {W::kGenericOnline, EPERM, {}, "NO_PERMISSION", permanent},
      {W::kGenericOnline, EAGAIN, {}, "TRY_AGAIN", transient},
      {W::kGenericOnline, EXFULL, {}, "KERNEL_CALLBACK_FAILED", conditional},
  };
}

TEST(CausesTest, ErrnoAndContextDecideTheCause) {
  for (const Selection& selection : Selections()) {
    const Cause& cause = ExplainErrno(selection.kind, selection.error_number, selection.context);
    const std::string tried =
        absl::StrCat(WriteKindName(selection.kind), " ", ErrnoName(selection.error_number));
    EXPECT_STREQ(cause.reason, selection.reason) << tried;
    EXPECT_EQ(cause.retry, selection.retry) << tried;
  }
}

TEST(CausesTest, NoRowIsOutOfReach) {
  std::set<const Cause*> selected;
  for (const Selection& selection : Selections()) {
    selected.insert(&ExplainErrno(selection.kind, selection.error_number, selection.context));
  }
  for (const CauseRow& row : CauseTable()) {
    EXPECT_EQ(selected.count(&row.cause), 1u)
        << (row.kind.has_value() ? WriteKindName(*row.kind) : "anything") << " "
        << ErrnoName(row.error_number) << " " << row.condition;
  }
}

TEST(CausesTest, EveryErrnoOfEveryKindHasACause) {
  for (const WriteKind kind : kKinds) {
    for (int error_number = 1; error_number <= 140; ++error_number) {
      EXPECT_STRNE(ExplainErrno(kind, error_number, {}).reason, "");
    }
    EXPECT_STREQ(ExplainErrno(kind, 4095, {}).reason, "KERNEL_CALLBACK_FAILED");
  }
}

TEST(CausesTest, AReasonMeansTheSameEverywhere) {
  std::map<std::string, std::pair<absl::StatusCode, v1::RetryClass>> meanings;
  for (const CauseRow& row : CauseTable()) {
    const Cause& cause = row.cause;
    const std::string reason = cause.reason;
    EXPECT_TRUE(std::all_of(reason.begin(), reason.end(), [](unsigned char c) {
      return absl::ascii_isupper(c) || c == '_';
    })) << reason;
    const auto meaning = std::make_pair(cause.code, cause.retry);
    EXPECT_EQ(meanings.try_emplace(reason, meaning).first->second, meaning) << reason;
    EXPECT_NE(cause.code, absl::StatusCode::kOk) << reason;
    EXPECT_EQ(row.fits == nullptr, std::string(row.condition).empty()) << reason;
  }
}

// The table as the page has it.
std::string RetryName(v1::RetryClass retry) {
  return absl::AsciiStrToLower(
      absl::StripPrefix(absl::string_view(v1::RetryClass_Name(retry)), "RETRY_CLASS_"));
}

std::string PageRow(const CauseRow& row) {
  const std::vector<std::string> cells = {
      row.kind.has_value() ? WriteKindName(*row.kind) : "anything",
      row.error_number == 0 ? "any other" : ErrnoName(row.error_number),
      std::string(row.condition).empty() ? "–" : row.condition,
      absl::StrCat("`", row.cause.reason, "`"),
      RetryName(row.cause.retry),
      row.cause.message};
  return absl::StrCat("| ", absl::StrJoin(cells, " | "), " |");
}

TEST(CausesTest, ThePageListsThemAll) {
  std::ostringstream page;
  page << std::ifstream(HOTPLUGGER_SOURCE_DIR "/docs/causes.md").rdbuf();
  std::vector<std::string> rows;
  for (const absl::string_view line : absl::StrSplit(page.str(), '\n')) {
    const std::vector<absl::string_view> cells = absl::StrSplit(line, " | ");
    if (cells.size() == 6 && absl::StartsWith(cells[3], "`")) rows.emplace_back(line);
  }
  std::vector<std::string> expected;
  for (const CauseRow& row : CauseTable()) expected.push_back(PageRow(row));
  EXPECT_EQ(rows, expected) << "the table of docs/causes.md, to be pasted there:\n"
                            << absl::StrJoin(expected, "\n");
}

TEST(CpuContextTest, SaysWhatTheMasksTell) {
  struct Row {
    CpuSet online;
    CpuSet isolated;
    CpuSet nohz_full;
    // Of cpu1.
    bool last_online;
    bool last_housekeeping;
    bool may_keep_time;
  };
  const Row rows[] = {
      {{0, 1}, {}, {}, false, false, false},     {{1}, {}, {}, true, true, false},
      {{0, 1, 2}, {2}, {}, false, false, false}, {{1, 2}, {2}, {}, false, true, false},
      {{0, 1, 2}, {}, {2}, false, false, true},  {{1, 2, 3}, {2}, {3}, false, true, true},
      {{0, 1}, {}, {1}, false, false, false},    {{0}, {1}, {}, false, false, false},
  };
  for (const Row& row : rows) {
    CpuSnapshot cpus;
    cpus.masks.online = row.online;
    cpus.masks.isolated = row.isolated;
    cpus.masks.nohz_full = row.nohz_full;
    const CauseContext context = CpuContext(cpus, 1);
    const std::string shown =
        absl::StrCat(FormatCpuList(row.online), " isolated ", FormatCpuList(row.isolated),
                     " nohz_full ", FormatCpuList(row.nohz_full));
    EXPECT_EQ(context.last_online, row.last_online) << shown;
    EXPECT_EQ(context.last_housekeeping, row.last_housekeeping) << shown;
    EXPECT_EQ(context.may_keep_time, row.may_keep_time) << shown;
  }
}

TEST(CpuContextTest, SaysWhetherSmtIsForcedOff) {
  CpuSnapshot cpus;
  cpus.smt.set_control(v1::SMT_CONTROL_OFF);
  EXPECT_FALSE(CpuContext(cpus, 1).smt_forced_off);
  cpus.smt.set_control(v1::SMT_CONTROL_FORCEOFF);
  EXPECT_TRUE(CpuContext(cpus, 1).smt_forced_off);
}

TEST(MemoryContextTest, SaysTheZone) {
  MemorySnapshot memory;
  memory.blocks.blocks[32].zone = BlockZone::kNone;
  memory.blocks.blocks[33].zone = BlockZone::kMovable;
  EXPECT_EQ(MemoryContext(memory, 32).zone, BlockZone::kNone);
  EXPECT_EQ(MemoryContext(memory, 33).zone, BlockZone::kMovable);
  EXPECT_EQ(MemoryContext(memory, 34).zone, BlockZone::kUnknown);
}

}  // namespace
}  // namespace hotplugger::agent
