// Holds: how they are set, listed and ended.
#include "common/error_info.h"
#include "common/proto_time.h"
#include "tests/client/command_line_fixture.h"

namespace hotplugger::client {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class HoldsTest : public CommandLineTest {
 protected:
  // The hold that the last command line has set.
  const v1::Hold& LastHold() {
    EXPECT_THAT(fleet.set_hold.requests, testing::Not(IsEmpty()));
    return fleet.set_hold.requests.back().hold();
  }
  void AnswerNode(const std::string& devices) {
    fleet.get_node.Answer(Proto<v1::GetNodeResponse>(
        "node { name: 'gamma' inventory { cpus_present: '0-7' " + devices + " } }"));
  }
};

// 60 seconds before the fake clock's start.
constexpr char kHolds[] = R"pb(
  holds {
    node: "a"
    subject: "core/0-0-3"
    state: DEVICE_STATE_OFFLINE
    reason: "bad\ncache"
    ticket: "OPS-1"
    author: "ada@desk"
    create_time { seconds: 1699999990 }
    expire_time { seconds: 1700007199 }
    etag: "e-1"
  }
  holds { node: "b" subject: "driver/x" state: DEVICE_STATE_ONLINE }
)pb";

TEST_F(HoldsTest, AreListedWithWhoAndWhyAndUntilWhen) {
  fleet.list_holds.Answer(Proto<v1::ListHoldsResponse>(kHolds));
  EXPECT_EQ(Run({"get", "holds", "--node", "a"}), 0);
  EXPECT_EQ(out,
            "NODE  SUBJECT     STATE    AGE  EXPIRES   TICKET  AUTHOR    REASON\n"
            "a     core/0-0-3  offline  10s  in 1h59m  OPS-1   ada@desk  bad\\ncache\n"
            "b     driver/x    online   -    -         -       -         -\n");
  EXPECT_EQ(fleet.list_holds.requests.at(0).filter().node(), "a");
  EXPECT_EQ(Run({"get", "holds", "-o", "name"}), 0);
  EXPECT_EQ(out, "hold/a/core/0-0-3\nhold/b/driver/x\n");
  EXPECT_EQ(Run({"get", "holds", "-o", "wide", "--no-headers"}), 0);
  EXPECT_THAT(out, testing::StartsWith("a     core/0-0-3"));
  EXPECT_THAT(out, HasSubstr("bad\\ncache  e-1\n"));
}

TEST_F(HoldsTest, SayWhoSetThemAndWhy) {
  fleet.set_hold.Answer(v1::SetHoldResponse());
  EXPECT_EQ(Run({"offline", "a", "cpu3", "--reason", "bad", "--ticket", "OPS-1"}), 0);
  EXPECT_EQ(LastHold().reason(), "bad");
  EXPECT_EQ(LastHold().ticket(), "OPS-1");
  EXPECT_EQ(LastHold().author(), "ada@desk");
  EXPECT_EQ(LastHold().expiration_case(), v1::Hold::EXPIRATION_NOT_SET);
  EXPECT_EQ(fleet.set_hold.requests.back().request_id(), "request-1");
  surroundings.author = std::string(300, 'x');
  EXPECT_EQ(Run({"online", "a", "core/0-0-3"}), 0);
  EXPECT_THAT(LastHold().author(), SizeIs(128));
  EXPECT_EQ(LastHold().subject(), "core/0-0-3");
  EXPECT_EQ(Run({"online", "a", "cpu3", "--author", "eve"}), 0);
  EXPECT_EQ(LastHold().author(), "eve");
}

TEST_F(HoldsTest, EndByThemselves) {
  fleet.set_hold.Answer(v1::SetHoldResponse());
  EXPECT_EQ(Run({"offline", "a", "cpu3", "--for", "2h"}), 0);
  EXPECT_EQ(LastHold().ttl().seconds(), 7200);
  EXPECT_EQ(Run({"offline", "a", "cpu3", "--for", "3d"}), 0);
  EXPECT_EQ(LastHold().ttl().seconds(), 3 * 86400);
  EXPECT_EQ(Run({"offline", "a", "cpu3", "--until", "2026-12-01T09:00:00+01:00"}), 0);
  EXPECT_EQ(LastHold().expire_time().seconds(), 1796112000);
}

TEST_F(HoldsTest, WrongTimesAndSubjectsAreToldAtOnce) {
  EXPECT_EQ(Run({"offline", "a", "core/0-3", "--for", "0s"}), 2);
  EXPECT_THAT(err, HasSubstr("hotplugctl: 2 values are wrong\n  DEVICE: \"0-3\" "));
  EXPECT_THAT(err, HasSubstr("\n  --for: \"0s\" is not a time from 1s to 10 years"));
  EXPECT_EQ(Run({"offline", "a", "cpu3", "--until", "tomorrow"}), 2);
  EXPECT_THAT(err, HasSubstr("--until: \"tomorrow\" is no date and time with its zone"));
  EXPECT_EQ(Run({"offline", "a", "cpu3", "--for", "1h", "--until", "2026-12-01T08:00:00Z"}), 2);
  EXPECT_THAT(err, HasSubstr("--until: is given with --for"));
  EXPECT_THAT(fleet.set_hold.requests, IsEmpty());
}

TEST_F(HoldsTest, TheControllersAnswerTellsWhenTheyEnd) {
  fleet.set_hold.Answer(
      Proto<v1::SetHoldResponse>("hold { node: 'a' subject: 'cpu3' state: DEVICE_STATE_OFFLINE "
                                 "expire_time { seconds: 1700000045 } }"));
  EXPECT_EQ(Run({"offline", "a", "cpu3", "--for", "45s"}), 0);
  EXPECT_EQ(out, "hold/a/cpu3 offline, ends in 45s\n");
}

TEST_F(HoldsTest, FieldsAreNamedByTheirFlags) {
  fleet.set_hold.Answer(MakeFieldErrors({{"hold.expire_time", "is over already"}}));
  EXPECT_EQ(Run({"offline", "a", "cpu3", "--until", "2020-01-01T00:00:00Z"}), 2);
  EXPECT_THAT(err, HasSubstr("  --until: is over already\n"));
}

TEST_F(HoldsTest, QuarantineHoldsTheWholeCore) {
  AnswerNode(
      "devices { name: 'cpu5' kind: DEVICE_KIND_CPU cpu { package: 1 die: 2 core: 3 core_cpus: "
      "'1,5' } } devices { name: 'cpu6' kind: DEVICE_KIND_CPU cpu { package: 0 core: 4 } }");
  fleet.set_hold.Answer(Proto<v1::SetHoldResponse>(
      "hold { node: 'gamma' subject: 'core/1-2-3' state: DEVICE_STATE_OFFLINE }"));
  EXPECT_EQ(Run({"quarantine", "gamma", "cpu5", "--reason", "bad"}), 0);
  EXPECT_EQ(out, "hold/gamma/core/1-2-3 offline\n");
  EXPECT_THAT(err, HasSubstr("the core's CPUs now: 1,5\n"));
  EXPECT_EQ(LastHold().subject(), "core/1-2-3");
  EXPECT_EQ(LastHold().state(), v1::DEVICE_STATE_OFFLINE);
  EXPECT_EQ(LastHold().reason(), "bad");
  EXPECT_EQ(Run({"quarantine", "gamma", "cpu6"}), 0);
  EXPECT_EQ(LastHold().subject(), "core/0-0-4") << "no die is die 0";
}

TEST_F(HoldsTest, QuarantineOfACoreByItsPlaceNeedsNoNode) {
  fleet.set_hold.Answer(v1::SetHoldResponse());
  EXPECT_EQ(Run({"quarantine", "gamma", "core/0-0-3"}), 0);
  EXPECT_EQ(LastHold().subject(), "core/0-0-3");
  EXPECT_THAT(fleet.get_node.requests, IsEmpty());
}

TEST_F(HoldsTest, QuarantineSaysWhatItCantKnow) {
  AnswerNode("devices { name: 'cpu5' kind: DEVICE_KIND_CPU cpu { package: 0 } }");
  EXPECT_EQ(Run({"quarantine", "gamma", "cpu5"}), 1);
  EXPECT_THAT(err, HasSubstr("doesn't tell which core cpu5 belongs to"));
  EXPECT_THAT(err, HasSubstr("hotplugctl offline gamma cpu5"));
  EXPECT_THAT(err, HasSubstr("reason: TOPOLOGY_UNKNOWN"));
  EXPECT_EQ(Run({"quarantine", "gamma", "cpu9"}), 1);
  EXPECT_THAT(err, HasSubstr("node gamma has told of no cpu9; its CPUs are 0-7"));
  EXPECT_THAT(fleet.set_hold.requests, IsEmpty());
}

TEST_F(HoldsTest, ReleaseTakesACoreAndANote) {
  fleet.release_hold.Answer(v1::ReleaseHoldResponse());
  EXPECT_EQ(Run({"release", "a", "core/0-0-3", "--reason", "replaced"}), 0);
  EXPECT_EQ(out, "hold/a/core/0-0-3 released\n");
  const v1::ReleaseHoldRequest& request = fleet.release_hold.requests.at(0);
  EXPECT_EQ(request.subject(), "core/0-0-3");
  EXPECT_EQ(request.note().reason(), "replaced");
  EXPECT_EQ(request.request_id(), "request-1");
}

TEST_F(HoldsTest, DryRunsOfTheClientSendNothing) {
  EXPECT_EQ(Run({"offline", "a", "cpu3", "--for", "2h", "--dry-run=client"}), 0);
  EXPECT_EQ(out, "hold/a/cpu3 offline, ends in 2h0m (dry run, nothing was sent)\n");
  EXPECT_EQ(Run({"release", "a", "cpu3", "--dry-run=client"}), 0);
  EXPECT_EQ(out, "hold/a/cpu3 released (dry run, nothing was sent)\n");
  EXPECT_EQ(Run({"delete", "policy", "p", "--dry-run=client"}), 0);
  EXPECT_EQ(out, "policy/p deleted (dry run, nothing was sent)\n");
  EXPECT_EQ(Run({"delete", "node", "n", "--dry-run=client", "-o", "yaml"}), 0);
  EXPECT_EQ(out,
            "name: \"n\"\nvalidateOnly: false\nrequestId: \"\"\nnote:\n  reason: \"\"\n  ticket: "
            "\"\"\n  author: \"ada@desk\"\n");
  AnswerNode("devices { name: 'cpu5' kind: DEVICE_KIND_CPU cpu { package: 0 core: 3 } }");
  EXPECT_EQ(Run({"quarantine", "gamma", "cpu5", "--dry-run=client"}), 0);
  EXPECT_EQ(out, "hold/gamma/core/0-0-3 offline (dry run, nothing was sent)\n");
  EXPECT_THAT(fleet.set_hold.requests, IsEmpty());
  EXPECT_THAT(fleet.release_hold.requests, IsEmpty());
  EXPECT_THAT(fleet.delete_policy.requests, IsEmpty());
  EXPECT_THAT(fleet.delete_node.requests, IsEmpty());
}

TEST_F(HoldsTest, DryRunsOfTheServerOnlyValidate) {
  fleet.set_hold.Answer(
      Proto<v1::SetHoldResponse>("hold { node: 'a' subject: 'cpu3' state: DEVICE_STATE_OFFLINE }"));
  EXPECT_EQ(Run({"offline", "a", "cpu3", "--dry-run"}), 0);
  EXPECT_EQ(out, "hold/a/cpu3 offline (dry run)\n");
  EXPECT_EQ(err, "");
  EXPECT_TRUE(fleet.set_hold.requests.at(0).validate_only());
  fleet.release_hold.Answer(v1::ReleaseHoldResponse());
  EXPECT_EQ(Run({"release", "a", "cpu3", "--dry-run=server"}), 0);
  EXPECT_EQ(out, "hold/a/cpu3 released (dry run)\n");
  EXPECT_TRUE(fleet.release_hold.requests.at(0).validate_only());
  fleet.delete_policy.Answer(Proto<v1::DeletePolicyResponse>("policy { revision: 7 }"));
  EXPECT_EQ(Run({"delete", "--dry-run", "policy", "p"}), 0);
  EXPECT_EQ(out, "policy/p deleted (was revision 7) (dry run)\n");
  EXPECT_TRUE(fleet.delete_policy.requests.at(0).validate_only());
  EXPECT_THAT(fleet.delete_node.requests, IsEmpty());
}

}  // namespace
}  // namespace hotplugger::client
