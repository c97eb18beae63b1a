// Specs that must prove good: confirmation, reverting, quarantine, drift and release over the whole
// of a reconciler's life.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>

#include "agent/reconcile/reconciler.h"
#include "common/proto_time.h"
#include "tests/agent/reconcile/host_fixture.h"
#include "tests/fakes/fake_controller_link.h"
#include "tests/fakes/proto_text.h"

namespace hotplugger::agent {
namespace {

using testing::FakeControllerLink;
using testing::FromText;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr absl::Duration kShort = absl::Milliseconds(50);

class ReconcilerTrialTest : public ::testing::Test, protected HostFixture {
 protected:
  ReconcilerTrialTest() { StartAgent(); }
  ~ReconcilerTrialTest() override { StopAgent(); }

  void StartAgent() {
    queue_ = std::make_unique<WorkQueue>("operation queue", 16);
    reconciler_ = std::make_unique<Reconciler>(
        *host, *queue_, link_,
        Reconciler::Options{
            .slow_interval = absl::Hours(1),
            .retry = {.base = absl::Milliseconds(1), .cap = absl::Milliseconds(5)},
            .shortest_confirm_window = kShort,
            .wall_time = [] { return absl::FromUnixSeconds(1'700'000'000); },
            .steady_time = [this] { return SteadyNow() + absl::Minutes(minutes_.load()); }});
    reconciler_->Start();
  }

  void StopAgent() {
    reconciler_->Stop();
    queue_->Stop();
  }

  // The agent stops in good order and starts again on what is on its disk.
  void Restart(const std::string& boot_id = "boot-1") {
    StopAgent();
    Boot(boot_id);
    StartAgent();
  }

  static v1::Spec Spec(const std::string& body,
                       std::optional<absl::Duration> window = std::nullopt) {
    v1::Spec spec;
    spec.set_body(FromText<v1::NodeSpec>(body).SerializeAsString());
    spec.set_digest(Sha256Hex(spec.body()));
    spec.set_nonce(body);
    if (window) SetDuration(*window, spec.mutable_confirm_window());
    return spec;
  }

  std::optional<v1::NodeReport> Await(const v1::Spec& spec, v1::ApplyState state, size_t from = 0) {
    return link_.AwaitReport(
        [&](const v1::NodeReport& report) {
          return report.digest() == spec.digest() && report.state() == state;
        },
        from);
  }

  // Offers a spec that must be applied.
  v1::NodeReport Apply(const v1::Spec& spec) {
    const size_t from = link_.report_count();
    reconciler_->OfferSpec(spec, {1});
    const auto report = Await(spec, v1::APPLY_STATE_APPLIED, from);
    EXPECT_TRUE(report);
    return report.value_or(v1::NodeReport());
  }

  v1::SpecAck Receipt(const v1::Spec& spec) {
    const auto ack =
        link_.AwaitAck([&](const auto& candidate) { return candidate.nonce() == spec.nonce(); });
    EXPECT_TRUE(ack);
    return ack.value_or(v1::SpecAck());
  }
  std::vector<std::string> Errors(const v1::Spec& spec) {
    const v1::SpecAck ack = Receipt(spec);
    return {ack.errors().begin(), ack.errors().end()};
  }

  // So many have passed by the reconciler's clock beside those that have.
  std::atomic<int> minutes_ = 0;
  FakeControllerLink link_;
  std::unique_ptr<WorkQueue> queue_;
  std::unique_ptr<Reconciler> reconciler_;
};

TEST_F(ReconcilerTrialTest, WithoutAWindowAnAppliedSpecIsGood) {
  EXPECT_FALSE(Apply(Spec("cpu_offline: '3'")).awaits_confirmation());
  StopAgent();
  EXPECT_FALSE(store.saved.has_trial());
  EXPECT_EQ(store.saved.carried_out_in_boot(), "boot-1");
  StartAgent();
}

TEST_F(ReconcilerTrialTest, AConfirmedSpecStays) {
  Apply(Spec("cpu_offline: '1'"));
  const v1::Spec spec = Spec("cpu_offline: '3'", absl::Minutes(1));
  EXPECT_TRUE(Apply(spec).awaits_confirmation());
  reconciler_->ConfirmSpec(spec.digest(), {1});
  EXPECT_TRUE(link_.AwaitReport([&](const auto& report) {
    return report.digest() == spec.digest() && report.state() == v1::APPLY_STATE_APPLIED &&
           !report.awaits_confirmation();
  }));
  StopAgent();
  EXPECT_FALSE(store.saved.has_trial());
  StartAgent();
}

TEST_F(ReconcilerTrialTest, WithoutAConfirmationTheLastGoodSpecComesBack) {
  const v1::Spec good = Spec("cpu_offline: '1'");
  Apply(good);
  const v1::Spec spec = Spec("cpu_offline: '3'", kShort);
  const size_t from = link_.report_count();
  reconciler_->OfferSpec(spec, {1});
  const auto reverted = Await(spec, v1::APPLY_STATE_REVERTED);
  ASSERT_TRUE(reverted);
  EXPECT_THAT(reverted->message(), HasSubstr("no controller was reached"));
  ASSERT_TRUE(Await(good, v1::APPLY_STATE_APPLIED, from));
  EXPECT_EQ(fake.online(), (CpuSet{0, 2, 3}));
  EXPECT_TRUE(link_.rejection());
}

TEST_F(ReconcilerTrialTest, WithNoLastGoodSpecAllIsReleased) {
  reconciler_->OfferSpec(Spec("cpu_offline: '3'", kShort), {1});
  ASSERT_TRUE(link_.AwaitReport(
      [](const auto& report) { return report.state() == v1::APPLY_STATE_REVERTED; }));
  StopAgent();
  EXPECT_EQ(fake.online(), (CpuSet{0, 1, 2, 3}));
  EXPECT_EQ(store.saved.spec_digest(), "");
  StartAgent();
}

TEST_F(ReconcilerTrialTest, ARevertedSpecIsRefusedUntilAnotherOneWasTaken) {
  const v1::Spec spec = Spec("cpu_offline: '3'", kShort);
  reconciler_->OfferSpec(spec, {1});
  ASSERT_TRUE(Await(spec, v1::APPLY_STATE_REVERTED));
  Restart();
  v1::Spec again = spec;
  again.set_nonce("again");
  const size_t from = link_.report_count();
  reconciler_->OfferSpec(again, {1});
  EXPECT_THAT(Errors(again), ::testing::ElementsAre(HasSubstr("no controller was reached")));
  EXPECT_EQ(Receipt(again).reason(), "SPEC_REVERTED");
  ASSERT_TRUE(Await(spec, v1::APPLY_STATE_REVERTED, from));
  EXPECT_EQ(fake.online(), (CpuSet{0, 1, 2, 3}));
  Apply(Spec("cpu_offline: '2'"));
  EXPECT_FALSE(link_.rejection());
  EXPECT_TRUE(Apply(Spec("cpu_offline: '3'", absl::Minutes(1))).awaits_confirmation());
}

// As RemoteOperations does it for RetrySpec.
TEST_F(ReconcilerTrialTest, ARevertedSpecThatIsForgivenIsTriedAnew) {
  v1::Spec spec = Spec("cpu_offline: '3'", kShort);
  reconciler_->OfferSpec(spec, {1});
  ASSERT_TRUE(Await(spec, v1::APPLY_STATE_REVERTED));
  ASSERT_TRUE(queue_
                  ->Add([this, &spec] {
                    const auto forgiven = ForgiveRejection(host->state(), spec.digest());
                    EXPECT_TRUE(host->SaveState(**forgiven).ok());
                  })
                  .ok());
  reconciler_->HostChanged();
  ASSERT_TRUE(link_.AwaitNoRejection()) << "a reconnect would tell it again";
  spec.set_nonce("again");
  size_t from = link_.report_count();
  reconciler_->OfferSpec(spec, {1});
  EXPECT_THAT(Errors(spec), IsEmpty());
  const auto applied = Await(spec, v1::APPLY_STATE_APPLIED, from);
  ASSERT_TRUE(applied);
  EXPECT_TRUE(applied->awaits_confirmation()) << "a trial as the first one";
  EXPECT_TRUE(Await(spec, v1::APPLY_STATE_REVERTED, from));
}

TEST_F(ReconcilerTrialTest, ARestartedAgentTellsWhatWasGivenUpAndWaitsAnew) {
  const v1::Spec spec = Spec("cpu_offline: '3'", absl::Minutes(1));
  Apply(spec);
  size_t from = link_.report_count();
  Restart();
  const auto report = Await(spec, v1::APPLY_STATE_APPLIED, from);
  ASSERT_TRUE(report);
  EXPECT_TRUE(report->awaits_confirmation());
  StopAgent();
  v1::AgentState state = host->state();
  SetDuration(kShort, state.mutable_trial()->mutable_confirm_window());
  ASSERT_TRUE(host->SaveState(state).ok());
  StartAgent();
  ASSERT_TRUE(Await(spec, v1::APPLY_STATE_REVERTED));
  from = link_.report_count();
  Restart();
  EXPECT_TRUE(Await(spec, v1::APPLY_STATE_REVERTED, from));
}

TEST_F(ReconcilerTrialTest, AFailureWaitsForItsConfirmationTooAndIsRevertedWithoutIt) {
  fake.FailCpu(2, EBUSY);
  const v1::Spec spec = Spec("cpu_offline: '2-3'", kShort);
  reconciler_->OfferSpec(spec, {1});
  const auto failed = Await(spec, v1::APPLY_STATE_FAILED);
  ASSERT_TRUE(failed);
  EXPECT_TRUE(failed->awaits_confirmation());
  ASSERT_TRUE(Await(spec, v1::APPLY_STATE_REVERTED));
  StopAgent();
  EXPECT_EQ(fake.online(), (CpuSet{0, 1, 2, 3}));
  StartAgent();
}

TEST_F(ReconcilerTrialTest, AConfirmedFailureIsTriedOn) {
  fake.FailCpu(2, EBUSY);
  const v1::Spec spec = Spec("cpu_offline: '2-3'", absl::Minutes(1));
  reconciler_->OfferSpec(spec, {1});
  ASSERT_TRUE(Await(spec, v1::APPLY_STATE_FAILED));
  reconciler_->ConfirmSpec(spec.digest(), {1});
  ASSERT_TRUE(link_.AwaitReport([&](const auto& report) {
    return report.state() == v1::APPLY_STATE_FAILED && !report.awaits_confirmation();
  }));
  fake.FailCpu(2, 0);
  const auto applied = Await(spec, v1::APPLY_STATE_APPLIED);
  ASSERT_TRUE(applied);
  EXPECT_FALSE(applied->awaits_confirmation());
}

// A retry may well last longer than the window: a controller that is reached meanwhile hears.
TEST_F(ReconcilerTrialTest, ARetryAsksForTheConfirmationAlreadyAsItBegins) {
  fake.FailCpu(2, EBUSY);
  const v1::Spec spec = Spec("cpu_offline: '2-3'", absl::Minutes(1));
  reconciler_->OfferSpec(spec, {1});
  const auto first = Await(spec, v1::APPLY_STATE_APPLYING);
  ASSERT_TRUE(first);
  EXPECT_FALSE(first->awaits_confirmation()) << "its window has yet to begin";
  EXPECT_TRUE(link_.AwaitReport([&](const auto& report) {
    return report.state() == v1::APPLY_STATE_APPLYING && report.awaits_confirmation();
  }));
}

TEST_F(ReconcilerTrialTest, AConfirmationDuringALongRetryIsInTime) {
  const v1::Spec spec = Spec("cpu_offline: '2-3'", absl::Minutes(1));
  fake.FailCpu(2, EBUSY);
  std::atomic<bool> confirmed = false;
  fake.SetHooks(
      [&](const std::string& write) {
        const bool retry = link_.report_count() > 0 && host->state().trial().carried_out();
        if (write != "cpu2=0" || !retry || confirmed.exchange(true)) return;
        minutes_ = 2;
        reconciler_->ConfirmSpec(spec.digest(), {1});
      },
      [](const std::string&) {});
  reconciler_->OfferSpec(spec, {1});
  ASSERT_TRUE(link_.AwaitReport([&](const auto& report) {
    return report.state() == v1::APPLY_STATE_FAILED && !report.awaits_confirmation();
  }));
  StopAgent();
  EXPECT_TRUE(confirmed);
  EXPECT_EQ(store.saved.spec_digest(), spec.digest());
  StartAgent();
}

TEST_F(ReconcilerTrialTest, AConfirmedFailureIsWhatComesBack) {
  fake.FailCpu(2, EOPNOTSUPP);
  const v1::Spec held = Spec("cpu_offline: '2-3' cpu_held: '3'", absl::Minutes(1));
  reconciler_->OfferSpec(held, {1});
  ASSERT_TRUE(Await(held, v1::APPLY_STATE_FAILED));
  reconciler_->ConfirmSpec(held.digest(), {1});
  ASSERT_TRUE(link_.AwaitReport([&](const auto& report) {
    return report.state() == v1::APPLY_STATE_FAILED && !report.awaits_confirmation();
  }));
  const size_t from = link_.report_count();
  const v1::Spec spec = Spec("cpu_offline: '1,3'", kShort);
  reconciler_->OfferSpec(spec, {1});
  ASSERT_TRUE(Await(spec, v1::APPLY_STATE_REVERTED, from));
  ASSERT_TRUE(Await(held, v1::APPLY_STATE_FAILED, from));
  StopAgent();
  EXPECT_EQ(fake.online(), (CpuSet{0, 1, 2})) << "what is held was never released";
  StartAgent();
}

TEST_F(ReconcilerTrialTest, AnEarlierControllersConfirmationIsNone) {
  const v1::Spec spec = Spec("cpu_offline: '3'", absl::Milliseconds(300));
  reconciler_->OfferSpec(spec, {5});
  ASSERT_TRUE(Await(spec, v1::APPLY_STATE_APPLIED));
  reconciler_->ConfirmSpec(spec.digest(), {4});
  EXPECT_TRUE(Await(spec, v1::APPLY_STATE_REVERTED));
}

TEST_F(ReconcilerTrialTest, AnotherSpecsConfirmationIsNone) {
  const v1::Spec spec = Spec("cpu_offline: '3'", absl::Milliseconds(300));
  reconciler_->OfferSpec(spec, {5});
  ASSERT_TRUE(Await(spec, v1::APPLY_STATE_APPLIED));
  reconciler_->ConfirmSpec(std::string(64, 'a'), {5});
  EXPECT_TRUE(Await(spec, v1::APPLY_STATE_REVERTED));
}

TEST_F(ReconcilerTrialTest, AConfirmationThatCannotBeSavedCountsAllTheSame) {
  const v1::Spec spec = Spec("cpu_offline: '3'", absl::Minutes(1));
  Apply(spec);
  store.SetFailure(absl::ResourceExhaustedError("disk full"));
  reconciler_->ConfirmSpec(spec.digest(), {1});
  ASSERT_TRUE(link_.AwaitReport([&](const auto& report) {
    return report.digest() == spec.digest() && report.state() == v1::APPLY_STATE_APPLIED &&
           !report.awaits_confirmation();
  }));
  store.SetFailure(absl::OkStatus());
  const size_t from = link_.report_count();
  reconciler_->HostChanged();
  ASSERT_TRUE(Await(spec, v1::APPLY_STATE_APPLIED, from));
  StopAgent();
  EXPECT_FALSE(store.saved.has_trial());
  StartAgent();
}

TEST_F(ReconcilerTrialTest, WindowsAreClamped) {
  Apply(Spec("cpu_offline: '3'", absl::Hours(20)));
  StopAgent();
  EXPECT_EQ(ConfirmWindow(host->state()), kLongestConfirmWindow);
  StartAgent();
  const v1::Spec negative = Spec("cpu_offline: '2'", -absl::Seconds(1));
  reconciler_->OfferSpec(negative, {1});
  const auto reverted = Await(negative, v1::APPLY_STATE_REVERTED);
  ASSERT_TRUE(reverted);
  EXPECT_THAT(reverted->message(), HasSubstr("within 50ms"));
}

TEST_F(ReconcilerTrialTest, ANewSpecDuringATrialLeavesTheLastGoodOne) {
  const v1::Spec good = Spec("cpu_offline: '1'");
  Apply(good);
  Apply(Spec("cpu_offline: '3'", absl::Minutes(1)));
  const v1::Spec second = Spec("cpu_offline: '2'", kShort);
  const size_t from = link_.report_count();
  reconciler_->OfferSpec(second, {1});
  ASSERT_TRUE(Await(second, v1::APPLY_STATE_REVERTED));
  ASSERT_TRUE(Await(good, v1::APPLY_STATE_APPLIED, from));
  EXPECT_EQ(fake.online(), (CpuSet{0, 2, 3}));
}

TEST_F(ReconcilerTrialTest, AStartIsOnDiskBeforeTheFirstWriteAndGoneAtTheEnd) {
  int starts = -1;
  fake.SetHooks([&](const std::string&) { starts = store.saved.trial().unfinished_starts(); },
                [](const std::string&) {});
  fake.FailCpu(3, EOPNOTSUPP);
  const v1::Spec spec = Spec("cpu_offline: '3'");
  reconciler_->OfferSpec(spec, {1});
  ASSERT_TRUE(Await(spec, v1::APPLY_STATE_FAILED));
  StopAgent();
  EXPECT_EQ(starts, 1);
  EXPECT_TRUE(store.saved.has_trial());
  EXPECT_EQ(store.saved.trial().unfinished_starts(), 0);
  StartAgent();
}

TEST_F(ReconcilerTrialTest, ASpecThatKillsTheAgentTwiceIsQuarantined) {
  const v1::Spec good = Spec("cpu_offline: '1'");
  Apply(good);
  const v1::Spec spec = Spec("cpu_offline: '3'");
  StopAgent();
  // What agents leave that die in the middle.
  v1::AgentState state = TakeInForce(host->state(), spec, std::nullopt, host->state().baseline());
  for (int i = 0; i < kMaxUnfinishedStarts; ++i) state = *NoteStart(state);
  ASSERT_TRUE(host->SaveState(state).ok());
  Boot("boot-1");
  const size_t from = link_.report_count();
  StartAgent();
  const auto quarantined = Await(spec, v1::APPLY_STATE_QUARANTINED, from);
  ASSERT_TRUE(quarantined);
  EXPECT_THAT(quarantined->message(), HasSubstr("died 2 times"));
  ASSERT_TRUE(Await(good, v1::APPLY_STATE_APPLIED, from));
  EXPECT_EQ(fake.online(), (CpuSet{0, 2, 3}));
  reconciler_->OfferSpec(spec, {1});
  EXPECT_THAT(Errors(spec), SizeIs(1));
  EXPECT_EQ(Receipt(spec).reason(), "SPEC_QUARANTINED");
}

TEST_F(ReconcilerTrialTest, ReportedDriftStaysOverARestartButNotOverABoot) {
  const v1::Spec spec = Spec("cpu_offline: '3' report_drift_of: 'cpu_offline'");
  Apply(spec);
  fake.SwitchBehindOurBack(3, true);
  reconciler_->HostChanged();
  const auto drifted = [](const v1::NodeReport& report) { return report.drift_size() == 1; };
  const auto report = link_.AwaitReport(drifted);
  ASSERT_TRUE(report);
  EXPECT_EQ(report->state(), v1::APPLY_STATE_APPLIED);
  EXPECT_EQ(report->drift(0).subject(), "cpu3");
  EXPECT_EQ(report->drift(0).since_time().seconds(), 1'700'000'000);
  EXPECT_EQ(report->drift_count(), 1);
  ASSERT_EQ(report->drift_counts_size(), 1);
  EXPECT_EQ(report->drift_counts(0).actor(), "unknown");
  size_t from = link_.report_count();
  Restart();
  ASSERT_TRUE(link_.AwaitReport(drifted, from));
  EXPECT_EQ(fake.online(), (CpuSet{0, 1, 2, 3}));
  from = link_.report_count();
  Restart("boot-2");
  ASSERT_TRUE(Await(spec, v1::APPLY_STATE_APPLIED, from));
  EXPECT_EQ(fake.online(), (CpuSet{0, 1, 2}));
}

// One part that fails for good must not have a restarted agent undo what a person did since.
TEST_F(ReconcilerTrialTest, ReportedDriftStaysOverARestartAlsoWhereAPartFailsForGood) {
  fake.FailCpu(2, EOPNOTSUPP);
  const v1::Spec spec = Spec("cpu_offline: '2-3' report_drift_of: 'cpu_offline'");
  reconciler_->OfferSpec(spec, {1});
  ASSERT_TRUE(Await(spec, v1::APPLY_STATE_FAILED));
  fake.SwitchBehindOurBack(3, true);
  reconciler_->HostChanged();
  const auto drifted = [](const v1::NodeReport& report) { return report.drift_size() == 1; };
  ASSERT_TRUE(link_.AwaitReport(drifted));
  StopAgent();
  fake.FailCpu(2, 0);
  Boot("boot-1");
  const size_t from = link_.report_count();
  StartAgent();
  const auto report = Await(spec, v1::APPLY_STATE_APPLIED, from);
  ASSERT_TRUE(report);
  ASSERT_THAT(report->drift(), SizeIs(1));
  EXPECT_EQ(report->drift(0).subject(), "cpu3");
  EXPECT_EQ(fake.online(), (CpuSet{0, 1, 3})) << "what had failed is tried until it is done";
}

TEST_F(ReconcilerTrialTest, WhatASpecLeavesIsNotPutBackWhenItGoes) {
  Apply(Spec("cpu_offline: '2-3' leave_on_release: 'cpu_offline'"));
  Apply(Spec("cpu_offline: '3' leave_on_release: 'cpu_offline'"));
  EXPECT_EQ(fake.online(), (CpuSet{0, 1})) << "cpu2 is left";
  Apply(Spec(""));
  EXPECT_EQ(fake.online(), (CpuSet{0, 1}));
  StopAgent();
  EXPECT_THAT(host->state().baseline().devices(), IsEmpty());
  StartAgent();
}

// Whatever its policy says of an orderly release: the way back is the way back.
TEST_F(ReconcilerTrialTest, ARevertPutsBackAlsoWhatTheSpecWouldLeave) {
  Apply(Spec("cpu_offline: '1'"));
  const v1::Spec spec = Spec("cpu_offline: '3' leave_on_release: 'cpu_offline'", kShort);
  const size_t from = link_.report_count();
  reconciler_->OfferSpec(spec, {1});
  ASSERT_TRUE(Await(spec, v1::APPLY_STATE_REVERTED, from));
  StopAgent();
  EXPECT_EQ(fake.online(), (CpuSet{0, 2, 3}));
  StartAgent();
}

TEST_F(ReconcilerTrialTest, WhatATrialLeftIsReleasedAfterItsRevert) {
  const v1::Spec good = Spec("cpu_offline: '3' leave_on_release: 'cpu_offline'");
  Apply(good);
  const v1::Spec spec = Spec("cpu_offline: '1'", kShort);
  const size_t from = link_.report_count();
  reconciler_->OfferSpec(spec, {1});
  ASSERT_TRUE(Await(spec, v1::APPLY_STATE_REVERTED, from));
  ASSERT_TRUE(Await(good, v1::APPLY_STATE_APPLIED, from));
  EXPECT_EQ(fake.online(), (CpuSet{0, 1, 2}));
  Apply(Spec("cpu_offline: '3'"));
  Apply(Spec(""));
  EXPECT_EQ(fake.online(), (CpuSet{0, 1, 2, 3}));
}

}  // namespace
}  // namespace hotplugger::agent
