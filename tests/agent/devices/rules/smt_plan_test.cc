#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "agent/devices/rules/device_plan.h"
#include "common/error_info.h"
#include "tests/fakes/snapshot_builder.h"

namespace hotplugger::agent {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::SnapshotBuilder;

constexpr SmtChange kOn = {v1::SMT_CONTROL_ON};
constexpr SmtChange kOff = {v1::SMT_CONTROL_OFF};
constexpr SmtChange kForceOff = {v1::SMT_CONTROL_FORCEOFF};

absl::StatusOr<ChangePlan> Plan(const SmtChange& change, const SnapshotBuilder& host,
                                const CpuSet& held = {}, const SafetyLimits& limits = {}) {
  return PlanSmt(change, held, host.Build(), limits);
}

// "+cpu3 -cpu4": what comes and goes.
std::string Steps(const SmtChange& change, const SnapshotBuilder& host, const CpuSet& held = {}) {
  const auto plan = Plan(change, host, held);
  if (!plan.ok()) return plan.status().ToString();
  return absl::StrJoin(plan->steps, " ", [](std::string* out, const PlannedChange& step) {
    EXPECT_EQ(step.outcome, v1::OUTCOME_CHANGED);
    absl::StrAppend(out, step.change.online ? "+" : "-", FormatDeviceName(step.change.device));
  });
}

// Cores 0/4, 1/5, 2/6 and 3/7.
SnapshotBuilder Host() { return SnapshotBuilder().Cpus(1, 4, 2); }

TEST(SmtPlanTest, OffTakesTheSecondaryThreadsThatAreOnline) {
  for (const SmtChange& change : {kOff, kForceOff}) {
    EXPECT_EQ(Steps(change, Host()), "-cpu4 -cpu5 -cpu6 -cpu7");
    EXPECT_EQ(Steps(change, Host().OfflineCpus("1,6")), "-cpu4 -cpu5 -cpu7");
  }
  const auto plan = Plan(kOff, Host().Memory("0-3", "Normal"));
  EXPECT_EQ(plan->before.cpus(), 8);
  EXPECT_EQ(plan->after.cpus(), 4);
  EXPECT_EQ(plan->before.memory_bytes(), plan->after.memory_bytes());
  EXPECT_GT(plan->before.memory_bytes(), 0u);
  // That they go without their siblings is what was asked for.
  EXPECT_THAT(plan->notes, IsEmpty());
}

TEST(SmtPlanTest, OnBringsWhatTheKernelBrings) {
  const SnapshotBuilder off = Host().Smt(v1::SMT_CONTROL_OFF).OfflineCpus("4-7");
  EXPECT_EQ(Steps(kOn, off), "+cpu4 +cpu5 +cpu6 +cpu7");
  // Held ones are put back; a core that is off as a whole stays so.
  EXPECT_EQ(Steps(kOn, off, {6}), "+cpu4 +cpu5 +cpu7");
  SnapshotBuilder core_off = off;
  EXPECT_EQ(Steps(kOn, core_off.OfflineCpus("1")), "+cpu4 +cpu6 +cpu7");
  // The first thread comes too where the second one is online.
  EXPECT_EQ(Steps(kOn, Host().Smt(v1::SMT_CONTROL_OFF).OfflineCpus("2,4-5,7")),
            "+cpu2 +cpu4 +cpu5 +cpu7");
}

TEST(SmtPlanTest, AsItIsAlreadyNothingChanges) {
  EXPECT_EQ(Steps(kOn, Host().OfflineCpus("5")), "");
  EXPECT_EQ(Steps(kOff, Host().Smt(v1::SMT_CONTROL_OFF).OfflineCpus("1,4-7")), "");
  EXPECT_EQ(Steps(kForceOff, Host().Smt(v1::SMT_CONTROL_FORCEOFF).OfflineCpus("4-7")), "");
}

TEST(SmtPlanTest, PartialGoesBothWays) {
  const auto partial = [](int threads) { return SmtChange{v1::SMT_CONTROL_PARTIAL, threads}; };
  // Cores 0/2/4/6 and 1/3/5/7.
  SnapshotBuilder host = SnapshotBuilder().Cpus(1, 2, 4);
  EXPECT_EQ(Steps(partial(2), host), "-cpu4 -cpu5 -cpu6 -cpu7");
  host.OfflineCpus("4-7").Smt(v1::SMT_CONTROL_PARTIAL, 2);
  EXPECT_EQ(Steps(partial(3), host), "+cpu4 +cpu5");
  EXPECT_EQ(Steps(kOn, host), "+cpu4 +cpu5 +cpu6 +cpu7");
  EXPECT_EQ(Steps(partial(1), host), "-cpu2 -cpu3");
  EXPECT_EQ(Steps(partial(2), host), "");
}

TEST(SmtPlanTest, LimitsStopTheWhole) {
  SafetyLimits limits;
  limits.cpus.min_online = 5;
  EXPECT_EQ(ErrorReason(Plan(kOff, Host(), {}, limits).status()), "LIMIT_MIN_ONLINE_CPUS");
  limits.cpus.min_online = 4;
  EXPECT_TRUE(Plan(kOff, Host(), {}, limits).ok());
  const absl::Status exclusive =
      Plan(kOff, Host().Exclusive("cgroup /dpdk", "2,6"), {}, limits).status();
  EXPECT_EQ(ErrorReason(exclusive), "LIMIT_EXCLUSIVE_CPUS");
  EXPECT_EQ(ErrorMetadataValue(exclusive, "device"), "cpu6");
}

TEST(SmtPlanTest, ProtectedCpusStopTheWhole) {
  SafetyLimits limits;
  limits.protected_devices = {"cpu6"};
  const absl::Status off = Plan(kOff, Host(), {}, limits).status();
  EXPECT_EQ(ErrorReason(off), "LIMIT_PROTECTED_DEVICE");
  EXPECT_EQ(ErrorMetadataValue(off, "device"), "cpu6");
  EXPECT_THAT(std::string(off.message()), HasSubstr("cpu6 is protected"));
  const SnapshotBuilder all_off = Host().Smt(v1::SMT_CONTROL_OFF).OfflineCpus("4-7");
  EXPECT_EQ(ErrorMetadataValue(Plan(kOn, all_off, {}, limits).status(), "device"), "cpu6");
  // It is put back anyway.
  EXPECT_TRUE(Plan(kOn, all_off, {6}, limits).ok());
  limits.protected_devices = {"cpu2"};
  EXPECT_TRUE(Plan(kOff, Host(), {}, limits).ok());
  limits.protected_devices = {"smt"};
  EXPECT_EQ(ErrorMetadataValue(Plan(kOff, Host(), {}, limits).status(), "device"), "smt");
}

TEST(SmtPlanTest, SmtIsAKindOfItsOwn) {
  SafetyLimits limits;
  limits.allowed_kinds = {v1::DEVICE_KIND_SMT};
  limits.protected_devices = {"cpu2"};
  EXPECT_TRUE(Plan(kOff, Host(), {}, limits).ok());
  limits.allowed_kinds = {v1::DEVICE_KIND_CPU};
  EXPECT_EQ(ErrorReason(Plan(kOff, Host(), {}, limits).status()), "LIMIT_KIND_NOT_ALLOWED");
}

TEST(SmtPlanTest, HostsThatCannot) {
  const struct {
    v1::SmtControl now;
    SmtChange change;
    std::string reason;
  } tests[] = {
      {v1::SMT_CONTROL_NOT_SUPPORTED, kOff, "SMT_NOT_SUPPORTED"},
      {v1::SMT_CONTROL_NOT_SUPPORTED, kOn, "SMT_NOT_SUPPORTED"},
      {v1::SMT_CONTROL_NOT_IMPLEMENTED, kOff, "SMT_NOT_SUPPORTED"},
      {v1::SMT_CONTROL_FORCEOFF, kOn, "SMT_FORCED_OFF"},
      {v1::SMT_CONTROL_FORCEOFF, kOff, "SMT_FORCED_OFF"},
      {v1::SMT_CONTROL_FORCEOFF, {v1::SMT_CONTROL_PARTIAL, 2}, "SMT_FORCED_OFF"},
  };
  for (const auto& test : tests) {
    const absl::Status status = Plan(test.change, Host().Smt(test.now)).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_EQ(ErrorReason(status), test.reason) << status;
    EXPECT_EQ(ErrorMetadataValue(status, "device"), "smt");
  }
}

TEST(SmtPlanTest, BadRequests) {
  const struct {
    SmtChange change;
    std::vector<std::string> fields;
  } tests[] = {
      {{v1::SMT_CONTROL_UNSPECIFIED}, {"control"}},
      {{v1::SMT_CONTROL_NOT_SUPPORTED}, {"control"}},
      {{static_cast<v1::SmtControl>(99), -1}, {"control", "threads_per_core"}},
      {{v1::SMT_CONTROL_PARTIAL, 0}, {"threads_per_core"}},
      {{v1::SMT_CONTROL_PARTIAL, -3}, {"threads_per_core"}},
      {{v1::SMT_CONTROL_ON, 2}, {"threads_per_core"}},
  };
  for (const auto& test : tests) {
    const absl::Status status = Plan(test.change, Host()).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    std::vector<std::string> fields;
    for (const FieldViolation& violation : ErrorFieldViolations(status)) {
      fields.push_back(violation.field);
    }
    EXPECT_EQ(fields, test.fields) << status;
  }
}

TEST(SmtPlanTest, TheTimekeeperIsNoted) {
  EXPECT_THAT(Plan(kOff, Host().NohzFull("1-3"))->notes,
              ElementsAre(HasSubstr("one of CPUs 4-7 may keep the time")));
}

}  // namespace
}  // namespace hotplugger::agent
