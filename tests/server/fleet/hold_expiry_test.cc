// Holds that lapse by themselves, and what else a hold may say.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "common/digest.h"
#include "common/error_info.h"
#include "common/proto_time.h"
#include "tests/server/fleet/fleet_fixture.h"

namespace hotplugger::server {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class HoldExpiryTest : public FleetFixture {
 protected:
  HoldExpiryTest() { agent_ = Connect("n1"); }

  std::vector<std::string> Holds() {
    const auto listed = Ask(&FleetEngine::ListHolds, v1::ListHoldsRequest());
    std::vector<std::string> subjects;
    for (const v1::Hold& hold : listed->holds()) subjects.push_back(hold.subject());
    return subjects;
  }

  // memory100 to memory199, for a minute.
  void HoldAHundred() {
    for (int i = 100; i < 200; ++i) {
      ASSERT_TRUE(SetHold(absl::StrCat(R"(node: "n1" state: DEVICE_STATE_OFFLINE ttl {seconds: 60}
                                          subject: "memory)",
                                       i, "\""))
                      .ok());
    }
  }

  void Tick(absl::Duration passed) {
    clock_.Advance(passed);
    engine_->LapseHolds();
    Settle();
  }

  absl::StatusOr<v1::ReleaseHoldResponse> Release(const std::string& request) {
    return Ask(&FleetEngine::ReleaseHold,
               testing::FromText<v1::ReleaseHoldRequest>(absl::StrCat(R"(node: "n1" )", request)));
  }

  std::vector<v1::AuditEntry> Audit() {
    const auto listed = Ask(&FleetEngine::ListAuditEntries, v1::ListAuditEntriesRequest());
    return {listed->entries().begin(), listed->entries().end()};
  }

  FakeAgent agent_;
};

TEST_F(HoldExpiryTest, AHoldLapsesWhenItsTimeIsOver) {
  const auto set = SetHold(R"(node: "n1" subject: "cpu3" state: DEVICE_STATE_OFFLINE
                              reason: "machine checks" ticket: "OPS-1" author: "ann"
                              ttl {seconds: 60})");
  ASSERT_TRUE(set.ok()) << set.status();
  EXPECT_FALSE(set->hold().has_ttl()) << "a time is told instead";
  EXPECT_EQ(ToTime(set->hold().expire_time()), clock_.Now() + absl::Minutes(1));
  ASSERT_TRUE(SetHold(R"(node: "n1" subject: "cpu4" state: DEVICE_STATE_OFFLINE)").ok());
  Tick(absl::Seconds(59));
  EXPECT_THAT(Holds(), ElementsAre("cpu3", "cpu4"));
  Tick(absl::Seconds(1));
  EXPECT_THAT(Holds(), ElementsAre("cpu4"));
  EXPECT_EQ(GetNode("n1").spec().cpu_offline(), "4");
  EXPECT_EQ(agent_.link->specs().back().digest(), GetNode("n1").desired_digest()) << "it is pushed";
  Start();
  EXPECT_THAT(Holds(), ElementsAre("cpu4")) << "it is gone from the store";
}

TEST_F(HoldExpiryTest, ALapseIsInTheAuditLog) {
  ASSERT_TRUE(SetHold(R"(node: "n1" subject: "cpu3" state: DEVICE_STATE_OFFLINE reason: "why"
                         ticket: "OPS-1" author: "ann" ttl {seconds: 60})")
                  .ok());
  Tick(absl::Minutes(2));
  const std::vector<v1::AuditEntry> audit = Audit();
  ASSERT_EQ(audit.size(), 2u);
  EXPECT_EQ(audit[0].method(), "LapseHold");
  EXPECT_EQ(audit[0].identity(), "controller");
  EXPECT_EQ(audit[0].resource(), "nodes/n1/holds/cpu3");
  EXPECT_THAT(audit[0].summary(), HasSubstr("lapsed"));
  EXPECT_EQ(audit[1].method(), "SetHold");
  EXPECT_EQ(audit[1].note().reason(), "why");
  EXPECT_EQ(audit[1].note().ticket(), "OPS-1");
  EXPECT_EQ(audit[1].note().author(), "ann");
  EXPECT_EQ(audit[1].peer(), caller_.peer);
  EXPECT_THAT(audit[1].summary(), HasSubstr("held offline until 2023-11-14T22:14:20"));
}

TEST_F(HoldExpiryTest, WhatLapsedWhileTheControllerWasDownGoesAtItsStart) {
  ASSERT_TRUE(
      SetHold(R"(node: "n1" subject: "cpu3" state: DEVICE_STATE_OFFLINE ttl {seconds: 60})").ok());
  clock_.Advance(absl::Hours(1));
  Start();
  Tick(absl::ZeroDuration());
  EXPECT_THAT(Holds(), IsEmpty());
}

TEST_F(HoldExpiryTest, AHoldThatIsSetAgainHasTheNewTime) {
  ASSERT_TRUE(
      SetHold(R"(node: "n1" subject: "cpu3" state: DEVICE_STATE_OFFLINE ttl {seconds: 60})").ok());
  ASSERT_TRUE(SetHold(R"(node: "n1" subject: "cpu3" state: DEVICE_STATE_OFFLINE)").ok());
  Tick(absl::Hours(1));
  EXPECT_THAT(Holds(), ElementsAre("cpu3"));
}

// So that a thousand that lapse together hold up nobody.
TEST_F(HoldExpiryTest, ManyLapseInBatches) {
  HoldAHundred();
  Tick(absl::Minutes(1));
  EXPECT_EQ(Holds().size(), 36u);
  Tick(absl::Seconds(1));
  EXPECT_THAT(Holds(), IsEmpty());
}

// The disk is full just then: it is tried again.
TEST_F(HoldExpiryTest, ALapseThatCanNotBeStoredIsTriedAgain) {
  ASSERT_TRUE(
      SetHold(R"(node: "n1" subject: "cpu3" state: DEVICE_STATE_OFFLINE ttl {seconds: 60})").ok());
  store_.FailCommits(absl::ResourceExhaustedError("disk full"));
  for (int i = 0; i < 3; ++i) Tick(absl::Minutes(2));
  EXPECT_THAT(Holds(), ElementsAre("cpu3"));
  // It is told, and once.
  EXPECT_THAT(EventsOf("nodes/n1/holds/cpu3"), ElementsAre("HoldSet", "HoldLapseFailed"));
  EXPECT_THAT(events_.List({}, kAllEvents, 1)[0]->message(), HasSubstr("disk full"));
  EXPECT_EQ(counters_.hold_lapse_failures, 1);
  EXPECT_EQ(counters_.holds_overdue, 1);
  store_.FailCommits(absl::OkStatus());
  Tick(absl::Seconds(1));
  EXPECT_THAT(Holds(), IsEmpty());
  EXPECT_EQ(EventsOf("nodes/n1/holds/cpu3").back(), "HoldLapsed");
  EXPECT_EQ(counters_.holds_overdue, 0);
}

// Some whose release fails stand in nobody's way, and all are told.
TEST_F(HoldExpiryTest, OfManyThatCanNotBeStoredEachHasItsTurn) {
  HoldAHundred();
  store_.FailCommits(absl::ResourceExhaustedError("disk full"));
  Tick(absl::Minutes(1));
  EXPECT_EQ(counters_.holds_overdue, 100) << "also those that were not tried";
  store_.FailCommits(absl::OkStatus());
  Tick(absl::Seconds(1));
  EXPECT_EQ(Holds().size(), 36u);
  EXPECT_EQ(Holds().front(), "memory128") << "the last ones first, then the first ones again";
  EXPECT_EQ(counters_.holds_overdue, 36);
}

TEST_F(HoldExpiryTest, OfAllThatCanNotBeStoredItIsTold) {
  HoldAHundred();
  store_.FailCommits(absl::ResourceExhaustedError("disk full"));
  for (int i = 0; i < 4; ++i) Tick(absl::Minutes(1));
  v1::EventFilter failed;
  failed.set_type("HoldLapseFailed");
  EXPECT_EQ(events_.List(failed, kAllEvents, 1000).size(), 100u);
  EXPECT_EQ(counters_.hold_lapse_failures, 100) << "once each";
  // One that is set anew is no longer one of them, until it is overdue again.
  store_.FailCommits(absl::OkStatus());
  ASSERT_TRUE(SetHold(R"(node: "n1" subject: "memory150" state: DEVICE_STATE_OFFLINE
                         ttl {seconds: 60})")
                  .ok());
  store_.FailCommits(absl::ResourceExhaustedError("disk full"));
  Tick(absl::Seconds(1));
  EXPECT_EQ(counters_.holds_overdue, 99);
  for (int i = 0; i < 2; ++i) Tick(absl::Minutes(1));
  EXPECT_EQ(counters_.holds_overdue, 100);
  EXPECT_EQ(counters_.hold_lapse_failures, 101);
}

TEST_F(HoldExpiryTest, ValidateOnlyAndEtags) {
  v1::SetHoldRequest request;
  *request.mutable_hold() =
      testing::FromText<v1::Hold>(R"(node: "n1" subject: "cpu3" state: DEVICE_STATE_OFFLINE)");
  request.set_validate_only(true);
  ASSERT_TRUE(Ask(&FleetEngine::SetHold, request).ok());
  EXPECT_THAT(Holds(), IsEmpty());
  request.set_validate_only(false);
  const auto set = Ask(&FleetEngine::SetHold, request);
  ASSERT_TRUE(set.ok()) << set.status();
  request.mutable_hold()->set_etag("0123456789abcdef");
  EXPECT_EQ(ErrorReason(Ask(&FleetEngine::SetHold, request).status()), "ETAG_MISMATCH");
  EXPECT_EQ(ErrorReason(Release(R"(subject: "cpu3" etag: "0123456789abcdef")").status()),
            "ETAG_MISMATCH");
  ASSERT_TRUE(Release(R"(subject: "cpu3" validate_only: true)").ok());
  EXPECT_THAT(Holds(), ElementsAre("cpu3"));
  ASSERT_TRUE(Release(absl::StrCat(R"(subject: "cpu3" etag: ")", set->hold().etag(), "\"")).ok());
  EXPECT_THAT(Holds(), IsEmpty());
}

class CoreHoldTest : public HoldExpiryTest {
 protected:
  CoreHoldTest() {
    EXPECT_TRUE(agent_
                    .Say(R"(inventory {
        devices {name: "cpu0" kind: DEVICE_KIND_CPU state: DEVICE_STATE_ONLINE
                 cpu {package: 0 core: 0}}
        devices {name: "cpu1" kind: DEVICE_KIND_CPU state: DEVICE_STATE_ONLINE hotpluggable: true
                 cpu {package: 0 die: 0 core: 1}}
        devices {name: "cpu2" kind: DEVICE_KIND_CPU state: DEVICE_STATE_OFFLINE hotpluggable: true
                 cpu {package: 0 die: 0 core: 1}}
        cpus_present: "0-2" cpus_online: "0-1"})")
                    .ok());
  }

  absl::StatusOr<v1::SetHoldResponse> HoldCore(const std::string& core,
                                               const std::string& state = "OFFLINE") {
    return SetHold(
        absl::StrCat(R"(node: "n1" subject: "core/)", core, R"(" state: DEVICE_STATE_)", state));
  }
};

TEST_F(CoreHoldTest, ReachesTheSpecByItsPlace) {
  const auto set = HoldCore("0-0-1");
  ASSERT_TRUE(set.ok()) << set.status();
  const v1::Node node = GetNode("n1");
  EXPECT_THAT(node.spec().cores_offline(), ElementsAre("0-0-1"));
  EXPECT_EQ(node.spec().cpu_offline(), "");
  ASSERT_EQ(node.sources_size(), 1);
  EXPECT_EQ(node.sources(0).setting(), "core/0-0-1");
  EXPECT_EQ(node.sources(0).source(), "hold/core/0-0-1");
  ASSERT_TRUE(Release(R"(subject: "core/0-0-1")").ok());
  EXPECT_THAT(GetNode("n1").spec().cores_offline(), IsEmpty());
}

TEST_F(CoreHoldTest, ThatCanNotWorkIsRefused) {
  EXPECT_EQ(ErrorReason(HoldCore("0-0-7").status()), "DEVICE_NOT_FOUND");
  EXPECT_EQ(ErrorReason(HoldCore("0-0-0").status()), "NOT_HOTPLUGGABLE");
  EXPECT_EQ(ErrorFieldViolations(HoldCore("0-1").status())[0].field, "hold.subject");
  ASSERT_TRUE(agent_
                  .Say(R"(inventory {
      devices {name: "cpu1" kind: DEVICE_KIND_CPU state: DEVICE_STATE_ONLINE hotpluggable: true
               cpu {package: 0 die: 0 core: 1}}
      cpus_present: "1" cpus_online: "1"})")
                  .ok());
  EXPECT_EQ(ErrorReason(HoldCore("0-0-1").status()), "LAST_ONLINE_CPU");
  EXPECT_TRUE(HoldCore("0-0-1", "ONLINE").ok());
}

}  // namespace
}  // namespace hotplugger::server
