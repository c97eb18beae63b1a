#include "server/fleet/fleet_identity.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/error_info.h"

namespace hotplugger::server {
namespace {

using ::testing::HasSubstr;

class FleetIdentityTest : public ::testing::Test {
 protected:
  v1::StoreIdentity Start(const v1::StoreIdentity& before,
                          const std::optional<TakeOver>& take_over = std::nullopt,
                          int64_t store_revision = 0) {
    return NextStart(before, take_over, store_revision,
                     [this] { return absl::StrFormat("%032x", ++last_id_); });
  }

  // What an agent says that has obeyed the last start of `identity`.
  static v1::Hello HelloOf(const v1::StoreIdentity& identity) {
    const FleetIdentity leader(identity);
    v1::Hello hello;
    hello.set_node("n1");
    hello.set_fleet_id(leader.fleet_id());
    hello.set_largest_epoch(leader.epoch());
    hello.set_epoch_id(leader.epoch_id());
    return hello;
  }

  static std::string Check(const v1::StoreIdentity& identity, const v1::Hello& hello) {
    return ErrorReason(FleetIdentity(identity).CheckObeyed(hello));
  }

  int last_id_ = 0;
};

TEST_F(FleetIdentityTest, AFleetKeepsItsIdAndItsEpochGrows) {
  const v1::StoreIdentity first = Start({});
  const v1::StoreIdentity second = Start(first);
  EXPECT_EQ(FleetIdentity(first).epoch(), 1u);
  EXPECT_EQ(FleetIdentity(second).epoch(), 2u);
  EXPECT_EQ(FleetIdentity(first).fleet_id(), FleetIdentity(second).fleet_id());
  EXPECT_NE(FleetIdentity(first).epoch_id(), FleetIdentity(second).epoch_id());
}

TEST_F(FleetIdentityTest, ANewAgentAndOneOfAnEarlierStartAreTaken) {
  const v1::StoreIdentity first = Start({});
  const v1::StoreIdentity second = Start(first);
  EXPECT_EQ(Check(second, {}), "");
  EXPECT_EQ(Check(second, HelloOf(first)), "");
  EXPECT_EQ(Check(second, HelloOf(second)), "");
}

TEST_F(FleetIdentityTest, AStoreThatWasLostLeadsNobodyHoweverOftenItStarts) {
  const v1::StoreIdentity lost = Start(Start({}));
  v1::StoreIdentity fresh;
  for (int i = 0; i < 5; ++i) {
    fresh = Start(fresh);
    EXPECT_EQ(Check(fresh, HelloOf(lost)), "FLEET_MISMATCH");
  }
}

TEST_F(FleetIdentityTest, AnOlderCopyLeadsNobodyWhoHasSeenMoreHoweverOftenItStarts) {
  const v1::StoreIdentity backup = Start({});
  const v1::StoreIdentity lost = Start(Start(backup));
  v1::StoreIdentity copy = Start(backup);
  EXPECT_EQ(Check(copy, HelloOf(lost)), "EPOCH_BEHIND");
  for (int i = 0; i < 5; ++i) {
    copy = Start(copy);
    EXPECT_EQ(Check(copy, HelloOf(lost)), "STORE_FORKED");
  }
  // Who has been away since then has seen nothing that the copy doesn't know.
  EXPECT_EQ(Check(copy, HelloOf(backup)), "");
}

TEST_F(FleetIdentityTest, ARefusalNamesTheTakeOverThatHelps) {
  const v1::StoreIdentity lost = Start(Start({}));
  const v1::StoreIdentity fresh = Start({});
  const v1::Hello hello = HelloOf(lost);
  const absl::Status refusal = FleetIdentity(fresh).CheckObeyed(hello);
  const std::string take_over = absl::StrCat(hello.fleet_id(), "@2");
  EXPECT_THAT(std::string(refusal.message()), HasSubstr(absl::StrCat("--take-over=", take_over)));
  const v1::StoreIdentity led = Start(fresh, *ParseTakeOver(take_over));
  EXPECT_EQ(Check(led, hello), "");
  EXPECT_EQ(FleetIdentity(led).epoch(), 3u);
}

TEST_F(FleetIdentityTest, ATakeOverIsCarriedOutOnceAndTrustsNothingLater) {
  const v1::StoreIdentity lost = Start(Start({}));
  const TakeOver take_over = {FleetIdentity(lost).fleet_id(), 2};
  const v1::StoreIdentity led = Start(Start({}), take_over);
  const v1::StoreIdentity later = Start(led, take_over);
  EXPECT_EQ(FleetIdentity(later).epoch(), 4u);
  EXPECT_EQ(Check(later, HelloOf(led)), "");
  // The lost one is found and goes on: its next start is none of ours.
  EXPECT_EQ(Check(later, HelloOf(Start(lost))), "STORE_FORKED");
}

TEST_F(FleetIdentityTest, AnAgentThatHasOnlyJoinedIsTaken) {
  v1::Hello hello;
  hello.set_node("n1");
  const v1::StoreIdentity identity = Start({});
  hello.set_fleet_id(FleetIdentity(identity).fleet_id());
  EXPECT_EQ(Check(identity, hello), "");
}

// The ordinary restore: of a backup that was made while the controller ran.
TEST_F(FleetIdentityTest, ACopyMadeWhileTheStartRanLeadsNobodyWhoseSpecIsNewer) {
  const v1::StoreIdentity running = Start({}, std::nullopt, 10);
  v1::Hello hello = HelloOf(running);
  hello.set_spec_epoch(1);
  hello.set_spec_store_revision(30);
  EXPECT_EQ(Check(running, hello), "");
  EXPECT_EQ(Check(Start(running, std::nullopt, 31), hello), "") << "it goes on";
  EXPECT_EQ(Check(Start(running, std::nullopt, 30), hello), "") << "a copy that has it all";
  v1::StoreIdentity copy = Start(running, std::nullopt, 29);
  EXPECT_EQ(Check(copy, hello), "STORE_FORKED");
  copy = Start(copy, std::nullopt, 100);
  EXPECT_EQ(Check(copy, hello), "STORE_FORKED") << "however far it gets";
  hello.set_spec_store_revision(20);
  EXPECT_EQ(Check(copy, hello), "") << "what this node has is in the copy, too";
}

TEST_F(FleetIdentityTest, ACopyThatIsTriedInVainDoesNotGainOnTheFleet) {
  const v1::StoreIdentity running = Start({}, std::nullopt, 10);
  v1::Hello hello = HelloOf(running);
  hello.set_spec_epoch(1);
  hello.set_spec_store_revision(90);
  v1::StoreIdentity copy = running;
  // Each try commits twice.
  for (int64_t revision = 80; revision < 100; revision += 2) {
    copy = WithoutStart(copy, Start(copy, std::nullopt, revision));
  }
  EXPECT_EQ(copy.starts_size(), 1);
  copy = Start(copy, std::nullopt, 100);
  EXPECT_EQ(Check(copy, hello), "STORE_FORKED");
  EXPECT_EQ(FleetIdentity(copy).epoch(), 2u);
  EXPECT_FALSE(copy.has_unserved_revision());
}

TEST_F(FleetIdentityTest, ATakeOverTrustsTheRevisionsBeforeItAlone) {
  const v1::StoreIdentity running = Start({}, std::nullopt, 10);
  v1::Hello hello = HelloOf(running);
  hello.set_spec_epoch(1);
  hello.set_spec_store_revision(30);
  const v1::StoreIdentity led =
      Start(Start(running, std::nullopt, 20), TakeOver{hello.fleet_id(), 1}, 21);
  EXPECT_EQ(Check(led, hello), "");
  v1::Hello later = HelloOf(led);
  later.set_spec_epoch(FleetIdentity(led).epoch());
  later.set_spec_store_revision(40);
  EXPECT_EQ(Check(Start(led, std::nullopt, 39), later), "STORE_FORKED");
}

TEST_F(FleetIdentityTest, WhoJoinedBeforeATakeOverIsTakenByBothNames) {
  const v1::StoreIdentity fresh = Start({});
  const v1::Hello joined = HelloOf(fresh);
  const v1::StoreIdentity led = Start(fresh, TakeOver{std::string(32, 'e'), 5});
  EXPECT_EQ(Check(led, joined), "");
}

// Else an older copy could be started until all is forgotten.
TEST_F(FleetIdentityTest, WhatIsForgottenIsNotTrusted) {
  v1::StoreIdentity identity = Start({});
  const v1::StoreIdentity first = identity;
  v1::StoreIdentity last = identity;
  for (int i = 0; i < 4200; ++i) {
    last = identity;
    identity = Start(identity);
  }
  EXPECT_EQ(identity.starts_size(), 4096);
  EXPECT_EQ(FleetIdentity(identity).epoch(), 4201u);
  EXPECT_EQ(Check(identity, HelloOf(last)), "");
  EXPECT_EQ(Check(identity, HelloOf(first)), "STORE_FORKED");
}

TEST(ParseTakeOverTest, SaysWhatItTakes) {
  const std::string fleet(32, 'a');
  EXPECT_EQ(ParseTakeOver(fleet + "@7")->epoch, 7u);
  for (const std::string& bad :
       {fleet, fleet + "@", fleet + "@x", fleet + "@-1", std::string("@7"), fleet + "a@7",
        std::string(32, 'A') + "@7", fleet + "@99999999999999999999"}) {
    EXPECT_THAT(std::string(ParseTakeOver(bad).status().message()), HasSubstr("FLEET@EPOCH"))
        << bad;
  }
}

}  // namespace
}  // namespace hotplugger::server
