#include "agent/reconcile/reconciler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/reconcile/conflict_tracker.h"
#include "tests/agent/reconcile/host_fixture.h"
#include "tests/fakes/fake_controller_link.h"

namespace hotplugger::agent {
namespace {

using testing::FakeControllerLink;
using ::testing::HasSubstr;

class ReconcilerTest : public ::testing::Test, protected HostFixture {
 protected:
  ReconcilerTest() : reconciler_(*host, queue_, link_, Fast()) {}
  ~ReconcilerTest() override { reconciler_.Stop(); }

  // No slow look within a test's time; retries at once.
  static Reconciler::Options Fast() {
    return {.slow_interval = absl::Hours(1),
            .retry = {.base = absl::Milliseconds(1), .cap = absl::Milliseconds(5)}};
  }

  static v1::Spec Spec(const std::string& offline, const std::string& nonce = "n") {
    v1::NodeSpec body;
    body.set_cpu_offline(offline);
    v1::Spec spec;
    spec.set_body(body.SerializeAsString());
    spec.set_digest(Sha256Hex(spec.body()));
    spec.set_nonce(nonce);
    return spec;
  }

  static auto Applied(const v1::Spec& spec) {
    return [digest = spec.digest()](const v1::NodeReport& report) {
      return report.digest() == digest && report.state() == v1::APPLY_STATE_APPLIED;
    };
  }

  FakeControllerLink link_;
  WorkQueue queue_{"operation queue", 16};
  Reconciler reconciler_;
};

TEST_F(ReconcilerTest, TellsTheInventoryAtOnceAndNoReportWithoutASpec) {
  reconciler_.Start();
  EXPECT_TRUE(
      link_.AwaitInventory([](const auto& inventory) { return inventory.cpus_online() == "0-3"; }));
  EXPECT_EQ(link_.report_count(), 0U);
}

TEST_F(ReconcilerTest, AcksAppliesAndReports) {
  reconciler_.Start();
  const v1::Spec spec = Spec("2-3", "n7");
  reconciler_.OfferSpec(spec, {3});
  const auto ack = link_.AwaitAck([](const auto&) { return true; });
  ASSERT_TRUE(ack);
  EXPECT_EQ(ack->nonce(), "n7");
  EXPECT_THAT(ack->errors(), ::testing::IsEmpty());
  EXPECT_EQ(ack->reason(), "");
  EXPECT_TRUE(link_.AwaitReport(
      [](const auto& report) { return report.state() == v1::APPLY_STATE_APPLYING; }));
  EXPECT_TRUE(link_.AwaitReport(Applied(spec)));
  EXPECT_EQ(fake.online(), (CpuSet{0, 1}));
  EXPECT_EQ(store.saved.largest_epoch(), 3U);
}

// By which a controller knows whether its store is an older copy.
TEST_F(ReconcilerTest, WhatASpecCameWithIsSavedAndTold) {
  reconciler_.Start();
  v1::Spec spec = Spec("2-3", "first");
  spec.set_store_revision(70);
  reconciler_.OfferSpec(spec, {3});
  ASSERT_TRUE(link_.AwaitAck([](const auto& ack) { return ack.nonce() == "first"; }));
  EXPECT_EQ(link_.spec_taken(), std::make_pair(uint64_t{3}, int64_t{70}));
  spec.set_nonce("the same again");
  spec.set_store_revision(90);
  reconciler_.OfferSpec(spec, {4});
  ASSERT_TRUE(link_.AwaitAck([](const auto& ack) { return ack.nonce() == "the same again"; }));
  EXPECT_EQ(link_.spec_taken(), std::make_pair(uint64_t{4}, int64_t{90}));
  v1::Spec bad = Spec("2-3", "bad");
  bad.set_digest("0000");
  bad.set_store_revision(99);
  reconciler_.OfferSpec(bad, {4});
  ASSERT_TRUE(link_.AwaitAck([](const auto& ack) { return ack.nonce() == "bad"; }));
  EXPECT_EQ(link_.spec_taken(), std::make_pair(uint64_t{4}, int64_t{90})) << "it was not taken";
  reconciler_.Stop();
  EXPECT_EQ(store.saved.spec_epoch(), 4U);
  EXPECT_EQ(store.saved.spec_store_revision(), 90);
}

TEST_F(ReconcilerTest, ARefusedSpecLeavesTheLastGoodOne) {
  reconciler_.Start();
  const v1::Spec good = Spec("3");
  reconciler_.OfferSpec(good, {3});
  ASSERT_TRUE(link_.AwaitReport(Applied(good)));
  v1::Spec bad = Spec("1-3", "bad");
  bad.set_digest("0000");
  reconciler_.OfferSpec(bad, {3});
  const auto nack = link_.AwaitAck([](const auto& ack) { return ack.nonce() == "bad"; });
  ASSERT_TRUE(nack);
  EXPECT_THAT(nack->errors(0), HasSubstr("digest"));
  EXPECT_EQ(nack->reason(), "SPEC_INVALID");
  v1::Spec stale = Spec("1-3", "stale");
  reconciler_.OfferSpec(stale, {2});
  const auto fenced = link_.AwaitAck([](const auto& ack) { return ack.nonce() == "stale"; });
  ASSERT_TRUE(fenced);
  EXPECT_THAT(fenced->errors(0), HasSubstr("epoch 2"));
  EXPECT_EQ(fenced->reason(), "STALE_EPOCH");
  EXPECT_EQ(store.saved.spec_digest(), good.digest());
  EXPECT_EQ(fake.online(), (CpuSet{0, 1, 2}));
}

TEST_F(ReconcilerTest, ASpecThatCannotBeSavedIsTriedAgainAndMeanwhileNotApplied) {
  store.SetFailure(absl::ResourceExhaustedError("disk full"));
  reconciler_.Start();
  const v1::Spec spec = Spec("3");
  reconciler_.OfferSpec(spec, {3});
  const auto failed = link_.AwaitReport(
      [](const auto& report) { return report.state() == v1::APPLY_STATE_FAILED; });
  ASSERT_TRUE(failed);
  EXPECT_EQ(failed->digest(), spec.digest());
  EXPECT_THAT(failed->message(), HasSubstr("disk full"));
  EXPECT_EQ(fake.online(), (CpuSet{0, 1, 2, 3}));
  store.SetFailure(absl::OkStatus());
  EXPECT_TRUE(link_.AwaitReport(Applied(spec)));
  const auto ack = link_.AwaitAck([](const auto&) { return true; });
  ASSERT_TRUE(ack);
  EXPECT_THAT(ack->errors(), ::testing::IsEmpty());
}

// What fails for good must not hide that something else is fought over.
TEST_F(ReconcilerTest, APermanentFailureDoesNotSwitchOffTheBackOff) {
  Reconciler::Options slow = Fast();
  slow.retry = {.base = absl::Hours(1), .cap = absl::Hours(1)};
  Reconciler patient(*host, queue_, link_, slow);
  patient.Start();
  patient.OfferSpec(Spec("0,3"), {1});
  ASSERT_TRUE(link_.AwaitReport(
      [](const auto& report) { return report.state() == v1::APPLY_STATE_FAILED; }));
  fake.SwitchBehindOurBack(3, true);
  patient.HostChanged();
  // Said once the pass is over and its delay is set.
  ASSERT_TRUE(link_.AwaitReport([](const auto& report) { return report.drift_count() == 1; }));
  fake.SwitchBehindOurBack(3, true);
  patient.HostChanged();
  patient.Stop();
  EXPECT_EQ(fake.writes().size(), 2U);
}

TEST_F(ReconcilerTest, EnforcesTheSavedSpecWithoutAController) {
  v1::NodeSpec body;
  body.set_cpu_offline("3");
  SetSpec(body);
  reconciler_.Start();
  EXPECT_TRUE(
      link_.AwaitInventory([](const auto& inventory) { return inventory.cpus_online() == "0-2"; }));
}

TEST_F(ReconcilerTest, DriftIsUndoneAndCounted) {
  reconciler_.Start();
  const v1::Spec spec = Spec("3");
  reconciler_.OfferSpec(spec, {1});
  ASSERT_TRUE(link_.AwaitReport(Applied(spec)));
  fake.SwitchBehindOurBack(3, true);
  reconciler_.HostChanged();
  EXPECT_TRUE(link_.AwaitReport([](const auto& report) {
    return report.state() == v1::APPLY_STATE_APPLIED && report.drift_count() == 1;
  }));
  EXPECT_EQ(fake.online(), (CpuSet{0, 1, 2}));
}

// The reason that the report gives for cpu3; "" where it has none.
std::string ReasonForCpu3(const v1::NodeReport& report) {
  for (const v1::ItemResult& item : report.items()) {
    if (item.subject() == "cpu3") return item.reason();
  }
  return "";
}

TEST_F(ReconcilerTest, WhoKeepsSwitchingADeviceBackIsNamed) {
  reconciler_.Start();
  const v1::Spec spec = Spec("3");
  reconciler_.OfferSpec(spec, {1});
  ASSERT_TRUE(link_.AwaitReport(Applied(spec)));
  const int64_t limit = static_cast<int64_t>(ConflictTracker::kReversions);
  for (int64_t drift = 1; drift <= limit; ++drift) {
    fake.SwitchBehindOurBack(3, true);
    reconciler_.HostChanged();
    const auto report = link_.AwaitReport([drift](const v1::NodeReport& candidate) {
      return candidate.drift_count() == drift && candidate.state() == v1::APPLY_STATE_APPLIED;
    });
    ASSERT_TRUE(report) << drift;
    EXPECT_EQ(ReasonForCpu3(*report), drift == limit ? "CONFLICT" : "");
  }
}

// While a delay runs, the report must not say that all is well.
TEST_F(ReconcilerTest, WhatIsNotUndoneYetIsToldAllTheSame) {
  Reconciler::Options slow = Fast();
  slow.retry = {.base = absl::Hours(1), .cap = absl::Hours(1)};
  Reconciler patient(*host, queue_, link_, slow);
  patient.Start();
  const v1::Spec spec = Spec("2-3");
  patient.OfferSpec(spec, {1});
  ASSERT_TRUE(link_.AwaitReport(Applied(spec)));
  fake.SwitchBehindOurBack(3, true);
  patient.HostChanged();
  ASSERT_TRUE(link_.AwaitReport([](const auto& report) {
    return report.state() == v1::APPLY_STATE_APPLIED && report.drift_count() == 1;
  }));
  const size_t writes = fake.writes().size();
  fake.SwitchBehindOurBack(3, true);
  patient.HostChanged();
  const auto report = link_.AwaitReport(
      [](const auto& candidate) { return candidate.state() == v1::APPLY_STATE_FAILED; });
  ASSERT_TRUE(report);
  EXPECT_EQ(ReasonForCpu3(*report), "DRIFT") << "twice is no fight yet";
  EXPECT_THAT(report->message(), HasSubstr("cpu3: "));
  EXPECT_EQ(fake.writes().size(), writes);
  patient.Stop();
}

TEST_F(ReconcilerTest, ALookThatFindsAllWellKeepsWhatWasDone) {
  reconciler_.Start();
  const v1::Spec spec = Spec("3");
  reconciler_.OfferSpec(spec, {1});
  ASSERT_TRUE(link_.AwaitReport(Applied(spec)));
  const size_t seen = link_.report_count();
  reconciler_.HostChanged();
  const auto again = link_.AwaitReport(Applied(spec), seen);
  ASSERT_TRUE(again);
  ASSERT_EQ(again->items_size(), 1);
  EXPECT_EQ(again->items(0).outcome(), v1::OUTCOME_CHANGED);
}

TEST_F(ReconcilerTest, TriesAgainWhatCanGoAwayByItself) {
  fake.FailCpu(3, EBUSY);
  reconciler_.Start();
  const v1::Spec spec = Spec("3");
  reconciler_.OfferSpec(spec, {1});
  ASSERT_TRUE(link_.AwaitReport([](const auto& report) {
    return report.state() == v1::APPLY_STATE_FAILED && report.items(0).reason() == "HOTPLUG_BUSY";
  }));
  fake.FailCpu(3, 0);
  EXPECT_TRUE(link_.AwaitReport(Applied(spec)));
}

TEST_F(ReconcilerTest, ASpecSurvivesAFullQueue) {
  Mutex gate;
  gate.Lock();
  int waiting = 0;
  while (queue_.Add([&gate] { MutexLock lock(&gate); }).ok()) ++waiting;
  ASSERT_GE(waiting, 16);
  reconciler_.Start();
  const v1::Spec spec = Spec("3");
  reconciler_.OfferSpec(spec, {1});
  gate.Unlock();
  EXPECT_TRUE(link_.AwaitReport(Applied(spec)));
}

TEST_F(ReconcilerTest, TheNewestOfManySpecsWins) {
  v1::Spec last;
  for (int i = 0; i < 50; ++i) {
    last = Spec(i % 2 == 0 ? "3" : "1-2");
    reconciler_.OfferSpec(last, {1});
  }
  reconciler_.Start();
  EXPECT_TRUE(link_.AwaitReport(Applied(last)));
  EXPECT_EQ(fake.online(), (CpuSet{0, 3}));
}

}  // namespace
}  // namespace hotplugger::agent
