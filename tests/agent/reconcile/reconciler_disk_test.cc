// What an agent does, and does not do, while its disk has no room.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "agent/reconcile/local_device_operations.h"
#include "agent/reconcile/reconciler.h"
#include "common/error_info.h"
#include "common/proto_time.h"
#include "tests/agent/reconcile/host_fixture.h"
#include "tests/fakes/fake_controller_link.h"
#include "tests/fakes/proto_text.h"

namespace hotplugger::agent {
namespace {

using testing::FakeControllerLink;
using testing::FromText;
using ::testing::HasSubstr;

class ReconcilerDiskTest : public ::testing::Test, protected HostFixture {
 protected:
  ReconcilerDiskTest() { StartAgent(); }
  ~ReconcilerDiskTest() override { StopAgent(); }

  void StartAgent() {
    queue_ = std::make_unique<WorkQueue>("operation queue", 16);
    reconciler_ = std::make_unique<Reconciler>(
        *host, *queue_, link_,
        Reconciler::Options{.slow_interval = absl::Hours(1),
                            .retry = {.base = absl::Milliseconds(1), .cap = absl::Milliseconds(5)},
                            .shortest_confirm_window = absl::Milliseconds(50)});
    reconciler_->Start();
  }

  void StopAgent() {
    reconciler_->Stop();
    queue_->Stop();
  }

  // The host reboots, on a full disk: its devices are as its firmware has them.
  void RebootOnAFullDisk() {
    StopAgent();
    FillDisk();
    for (const int cpu : {1, 2, 3}) fake.SwitchBehindOurBack(cpu, true);
    Boot("boot-2");
    StartAgent();
  }

  void FillDisk() {
    BreakJournal();
    store.SetFailure(MakeError(absl::StatusCode::kResourceExhausted, "ENOSPC", "no space left"));
  }
  void FreeDisk() {
    MendJournal();
    store.SetFailure(absl::OkStatus());
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

  bool AwaitCondition(bool there, size_t from = 0) {
    const auto fits = [there](const v1::Inventory& inventory) {
      const bool has =
          inventory.conditions_size() == 1 && inventory.conditions(0).type() == "STATE_NOT_SAVED";
      return has == there;
    };
    return link_.AwaitInventory(fits, from).has_value();
  }

  FakeControllerLink link_;
  std::unique_ptr<WorkQueue> queue_;
  std::unique_ptr<Reconciler> reconciler_;
};

TEST_F(ReconcilerDiskTest, AHeldCpuIsOfflineAgainAfterABoot) {
  const v1::Spec spec = Spec("cpu_offline: '3' cpu_held: '3'");
  reconciler_->OfferSpec(spec, {1});
  ASSERT_TRUE(Await(spec, v1::APPLY_STATE_APPLIED));
  const size_t from = link_.report_count();
  RebootOnAFullDisk();
  const auto report = Await(spec, v1::APPLY_STATE_APPLIED, from);
  ASSERT_TRUE(report);
  EXPECT_EQ(fake.online(), (CpuSet{0, 1, 2}));
  ASSERT_TRUE(AwaitCondition(true));
  FreeDisk();
  const size_t inventories = link_.inventory_count();
  reconciler_->HostChanged();
  EXPECT_TRUE(AwaitCondition(false, inventories));
  StopAgent();
  EXPECT_EQ(store.saved.baseline().boot_id(), "boot-2");
  EXPECT_EQ(store.saved.baseline().devices().at("cpu3"), v1::DEVICE_STATE_ONLINE);
  StartAgent();
}

// As a controller does that is reached before the first pass has ended.
TEST_F(ReconcilerDiskTest, TheSpecInForceIsTakenAgain) {
  v1::Spec spec = Spec("cpu_offline: '3'");
  reconciler_->OfferSpec(spec, {1});
  ASSERT_TRUE(Await(spec, v1::APPLY_STATE_APPLIED));
  const size_t from = link_.report_count();
  RebootOnAFullDisk();
  spec.set_nonce("again");
  reconciler_->OfferSpec(spec, {2});
  const auto ack =
      link_.AwaitAck([](const auto& candidate) { return candidate.nonce() == "again"; });
  ASSERT_TRUE(ack);
  EXPECT_THAT(ack->errors(), ::testing::IsEmpty());
  ASSERT_TRUE(Await(spec, v1::APPLY_STATE_APPLIED, from));
  EXPECT_EQ(fake.online(), (CpuSet{0, 1, 2}));
}

TEST_F(ReconcilerDiskTest, ANewSpecIsNotAppliedAndTheOneInForceGoesOn) {
  const v1::Spec spec = Spec("cpu_offline: '3'");
  reconciler_->OfferSpec(spec, {1});
  ASSERT_TRUE(Await(spec, v1::APPLY_STATE_APPLIED));
  const size_t from = link_.report_count();
  RebootOnAFullDisk();
  ASSERT_TRUE(Await(spec, v1::APPLY_STATE_APPLIED, from));
  const v1::Spec more = Spec("cpu_offline: '2-3'");
  reconciler_->OfferSpec(more, {1});
  const auto failed = Await(more, v1::APPLY_STATE_FAILED);
  ASSERT_TRUE(failed);
  EXPECT_THAT(failed->message(), HasSubstr("can't be saved"));
  EXPECT_EQ(failed->retry(), v1::RETRY_CLASS_TRANSIENT);
  EXPECT_EQ(fake.online(), (CpuSet{0, 1, 2}));
  FreeDisk();
  EXPECT_TRUE(Await(more, v1::APPLY_STATE_APPLIED));
}

TEST_F(ReconcilerDiskTest, APersonsOperationIsRefused) {
  RebootOnAFullDisk();
  ASSERT_TRUE(AwaitCondition(true));
  StopAgent();
  LocalDeviceOperations operations(*host);
  v1::OfflineDevicesRequest request;
  request.mutable_target()->set_device("cpu3");
  const absl::Status refused = operations.OfflineDevices(request).status();
  EXPECT_THAT(std::string(refused.message()), HasSubstr("the operation was not begun"));
  EXPECT_THAT(std::string(refused.message()), HasSubstr("journal"));
  EXPECT_EQ(fake.online(), (CpuSet{0, 1, 2, 3}));
  StartAgent();
}

// One of which a part fails for good stays on trial, and must not come to nothing for that.
TEST_F(ReconcilerDiskTest, ATrialThatAgentsHaveLivedThroughGoesOn) {
  fake.FailCpu(2, EOPNOTSUPP);
  const v1::Spec spec = Spec("cpu_offline: '2-3'");
  reconciler_->OfferSpec(spec, {1});
  ASSERT_TRUE(Await(spec, v1::APPLY_STATE_FAILED));
  const size_t from = link_.report_count();
  RebootOnAFullDisk();
  ASSERT_TRUE(Await(spec, v1::APPLY_STATE_FAILED, from));
  StopAgent();
  EXPECT_EQ(fake.online(), (CpuSet{0, 1, 2}));
  EXPECT_EQ(host->state().trial().unfinished_starts(), 0) << "however many passes there were";
  StartAgent();
}

// Else an agent that dies of it would never be counted.
TEST_F(ReconcilerDiskTest, ATrialThatHasNotBegunWaitsForRoom) {
  StopAgent();
  const v1::Spec spec = Spec("cpu_offline: '3'");
  store.saved = TakeInForce(v1::AgentState(), spec, std::nullopt, v1::Baseline());
  const size_t from = link_.report_count();
  RebootOnAFullDisk();
  const auto failed = Await(spec, v1::APPLY_STATE_FAILED, from);
  ASSERT_TRUE(failed);
  EXPECT_THAT(failed->message(), HasSubstr("never carried out"));
  FreeDisk();
  EXPECT_TRUE(Await(spec, v1::APPLY_STATE_APPLIED, from));
}

TEST_F(ReconcilerDiskTest, ASpecThatCutsTheHostOffIsRevertedAllTheSame) {
  const v1::Spec good = Spec("cpu_offline: '1'");
  reconciler_->OfferSpec(good, {1});
  ASSERT_TRUE(Await(good, v1::APPLY_STATE_APPLIED));
  fake.SetHooks(
      [this](const std::string& write) {
        if (write == "cpu3=0") FillDisk();
      },
      [](const std::string&) {});
  const size_t from = link_.report_count();
  const v1::Spec spec = Spec("cpu_offline: '3'", absl::Milliseconds(50));
  reconciler_->OfferSpec(spec, {1});
  ASSERT_TRUE(Await(spec, v1::APPLY_STATE_REVERTED, from));
  ASSERT_TRUE(Await(good, v1::APPLY_STATE_APPLIED, from));
  EXPECT_EQ(fake.online(), (CpuSet{0, 2, 3}));
}

// The policy may be gone meanwhile: nothing is sent then that would take its place.
TEST_F(ReconcilerDiskTest, ASpecThatWaitsForRoomDoesNotOutliveItsStream) {
  const v1::Spec spec = Spec("cpu_offline: '3'");
  reconciler_->OfferSpec(spec, {1});
  ASSERT_TRUE(Await(spec, v1::APPLY_STATE_APPLIED));
  FillDisk();
  const v1::Spec more = Spec("cpu_offline: '2-3'");
  reconciler_->OfferSpec(more, {1});
  ASSERT_TRUE(Await(more, v1::APPLY_STATE_FAILED));
  reconciler_->NoteController({2});
  const size_t from = link_.report_count();
  FreeDisk();
  reconciler_->HostChanged();
  EXPECT_TRUE(Await(spec, v1::APPLY_STATE_APPLIED, from));
  StopAgent();
  EXPECT_EQ(store.saved.spec_digest(), spec.digest());
  EXPECT_EQ(fake.online(), (CpuSet{0, 1, 2}));
  StartAgent();
}

TEST_F(ReconcilerDiskTest, NorDoesOneWhoseTryIsUnderWay) {
  const v1::Spec spec = Spec("cpu_offline: '3'");
  reconciler_->OfferSpec(spec, {1});
  ASSERT_TRUE(Await(spec, v1::APPLY_STATE_APPLIED));
  FillDisk();
  fake.SwitchBehindOurBack(3, true);
  fake.SetHooks(
      [this](const std::string& write) {
        if (write != "cpu3=0") return;
        reconciler_->NoteController({2});
        FreeDisk();
      },
      [](const std::string&) {});
  const size_t from = link_.report_count();
  const v1::Spec more = Spec("cpu_offline: '2-3'");
  reconciler_->OfferSpec(more, {1});
  // Of the pass of that try, and of one after it.
  ASSERT_TRUE(Await(spec, v1::APPLY_STATE_APPLIED, from));
  const size_t inventories = link_.inventory_count();
  reconciler_->HostChanged();
  EXPECT_TRUE(AwaitCondition(false, inventories));
  StopAgent();
  EXPECT_EQ(store.saved.spec_digest(), spec.digest());
  EXPECT_EQ(fake.online(), (CpuSet{0, 1, 2}));
  StartAgent();
}

TEST_F(ReconcilerDiskTest, AnEarlierEpochThanOneThatWasSeenIsRefusedThoughThatCouldNotBeSaved) {
  const v1::Spec spec = Spec("cpu_offline: '3'");
  reconciler_->OfferSpec(spec, {1});
  ASSERT_TRUE(Await(spec, v1::APPLY_STATE_APPLIED));
  FillDisk();
  reconciler_->OfferSpec(Spec("cpu_offline: '1'"), {3});
  ASSERT_TRUE(Await(Spec("cpu_offline: '1'"), v1::APPLY_STATE_FAILED));
  v1::Spec stale = spec;
  stale.set_nonce("stale");
  reconciler_->OfferSpec(stale, {2});
  const auto ack = link_.AwaitAck([](const auto& one) { return one.nonce() == "stale"; });
  ASSERT_TRUE(ack);
  ASSERT_THAT(ack->errors(), ::testing::SizeIs(1));
  EXPECT_THAT(ack->errors(0), HasSubstr("epoch 3"));
}

}  // namespace
}  // namespace hotplugger::agent
