// How long specs take, from the engine to an agent's report.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

#include "absl/strings/str_cat.h"
#include "common/digest.h"
#include "tests/server/fleet/fleet_fixture.h"

namespace hotplugger::server {
namespace {

class SpecTimesTest : public FleetFixture {
 protected:
  static std::string Park(int cpu) {
    return absl::StrCat("name: \"park\" selector {nodes: \"n1\"} cpu {offline: \"", cpu, "\"}");
  }

  // An agent that has all that it is to have.
  FakeAgent ConnectInSync() {
    return Connect("n1", absl::StrCat("applied_digest: \"", Sha256Hex(""), "\""));
  }

  void Apply(int cpu) {
    ASSERT_TRUE(FleetFixture::Apply(Park(cpu)).ok());
    Settle();
  }

  // `of_push`: counted from the last one.
  static void Ack(FakeAgent& agent, const std::string& error = "", size_t of_push = 0) {
    const std::vector<v1::Spec> specs = agent.link->specs();
    const v1::Spec& spec = specs.at(specs.size() - 1 - of_push);
    v1::AgentMessage message;
    message.mutable_spec_ack()->set_nonce(spec.nonce());
    message.mutable_spec_ack()->set_digest(spec.digest());
    if (!error.empty()) {
      message.mutable_spec_ack()->add_errors(error);
      message.mutable_spec_ack()->set_reason("SPEC_INVALID");
    }
    ASSERT_TRUE(agent.Say(message).ok());
  }

  void Report(FakeAgent& agent, const std::string& state, const std::string& digest = "") {
    ASSERT_TRUE(agent
                    .Say(absl::StrCat("report {digest: \"",
                                      digest.empty() ? GetNode("n1").desired_digest() : digest,
                                      "\" state: APPLY_STATE_", state, "}"))
                    .ok());
    Settle();
  }

  static int64_t CountOf(const DurationHistogram& histogram) {
    const DurationCounts counts = histogram.Counts();
    return std::accumulate(counts.buckets.begin(), counts.buckets.end(), int64_t{0});
  }
  void ExpectCounts(int64_t pushes, int64_t acks, int64_t convergences) {
    EXPECT_EQ(CountOf(counters_.spec_push_duration), pushes);
    EXPECT_EQ(CountOf(counters_.spec_ack_duration), acks);
    EXPECT_EQ(CountOf(counters_.spec_convergence_duration), convergences);
  }
  static double SecondsOf(const DurationHistogram& histogram) {
    return histogram.Counts().sum_seconds;
  }
};

TEST_F(SpecTimesTest, AreMeasuredFromTheChangeToTheReport) {
  FakeAgent agent = ConnectInSync();
  ExpectCounts(0, 0, 0);
  Apply(3);
  ExpectCounts(1, 0, 0);
  spec_clock_.Advance(absl::Seconds(2));
  Ack(agent);
  ExpectCounts(1, 1, 0);
  spec_clock_.Advance(absl::Seconds(5));
  Report(agent, "APPLYING");
  ExpectCounts(1, 1, 0);
  Report(agent, "APPLIED");
  ExpectCounts(1, 1, 1);
  EXPECT_EQ(SecondsOf(counters_.spec_push_duration), 0);
  EXPECT_EQ(SecondsOf(counters_.spec_ack_duration), 2);
  EXPECT_EQ(SecondsOf(counters_.spec_convergence_duration), 7);
}

TEST_F(SpecTimesTest, ASetClockMeasuresNothing) {
  FakeAgent agent = ConnectInSync();
  Apply(3);
  clock_.Advance(absl::Hours(1));
  Ack(agent);
  clock_.Advance(-absl::Hours(2));
  Report(agent, "APPLIED");
  ExpectCounts(1, 1, 1);
  EXPECT_EQ(SecondsOf(counters_.spec_ack_duration), 0);
  EXPECT_EQ(SecondsOf(counters_.spec_convergence_duration), 0);
}

TEST_F(SpecTimesTest, OfANodeThatWasAwayNothingIsMeasured) {
  {
    FakeAgent agent = ConnectInSync();
    agent.session->OnClosed(agent.link.get());
  }
  Apply(3);
  spec_clock_.Advance(absl::Hours(1));
  FakeAgent agent = ConnectInSync();
  ASSERT_EQ(agent.link->specs().size(), 1u);
  Ack(agent);
  Report(agent, "APPLIED");
  ExpectCounts(0, 0, 0);
}

TEST_F(SpecTimesTest, ALostStreamEndsTheMeasure) {
  FakeAgent before = ConnectInSync();
  Apply(3);
  FakeAgent agent = ConnectInSync();
  ASSERT_EQ(agent.link->specs().size(), 1u);
  Ack(agent);
  Report(agent, "APPLIED");
  ExpectCounts(1, 0, 0);
}

TEST_F(SpecTimesTest, ASpecThatIsReplacedStartsAnew) {
  FakeAgent agent = ConnectInSync();
  Apply(3);
  const std::string first = GetNode("n1").desired_digest();
  spec_clock_.Advance(absl::Seconds(100));
  Apply(2);
  Ack(agent, "", /*of_push=*/1);
  Report(agent, "APPLIED", first);
  ExpectCounts(2, 0, 0);
  spec_clock_.Advance(absl::Seconds(1));
  Ack(agent);
  Report(agent, "APPLIED");
  ExpectCounts(2, 1, 1);
  EXPECT_EQ(SecondsOf(counters_.spec_convergence_duration), 1);
}

TEST_F(SpecTimesTest, TheSameSpecAgainMeasuresNothing) {
  FakeAgent agent = ConnectInSync();
  Apply(3);
  Ack(agent);
  Report(agent, "APPLIED");
  // Another policy that wants the same.
  ASSERT_TRUE(
      FleetFixture::Apply(R"(name: "again" selector {nodes: "n1"} cpu {offline: "3"})").ok());
  Settle();
  Report(agent, "APPLIED");
  ExpectCounts(1, 1, 1);
}

TEST_F(SpecTimesTest, ARefusalEndsTheReceiptAlone) {
  FakeAgent agent = ConnectInSync();
  Apply(3);
  spec_clock_.Advance(absl::Seconds(4));
  Ack(agent, "cpu_offline: no");
  ExpectCounts(1, 1, 0);
  EXPECT_EQ(SecondsOf(counters_.spec_ack_duration), 4);
  EXPECT_EQ(counters_.spec_nacks.Counts().at("SPEC_INVALID"), 1);
  Apply(2);
  Report(agent, "REFUSED");
  ExpectCounts(2, 2, 0);
}

TEST_F(SpecTimesTest, ARetryOfWhatWasGivenUpMeasuresNothing) {
  FakeAgent agent = ConnectInSync();
  Apply(3);
  const std::string digest = GetNode("n1").desired_digest();
  Ack(agent);
  Report(agent, "REVERTED", digest);
  ExpectCounts(1, 1, 0);
  ASSERT_TRUE(agent
                  .Say(absl::StrCat("operation_result {id: \"1\" result {retry_spec {digest: \"",
                                    digest, "\"}}}"))
                  .ok());
  Settle();
  ASSERT_EQ(agent.link->specs().size(), 2u) << "it is pushed again";
  Ack(agent);
  Report(agent, "APPLIED");
  ExpectCounts(1, 1, 0);
}

// A report of the spec that the node had before that one may still be under way.
TEST_F(SpecTimesTest, AReportThatIsOlderThanThePushIsNoConvergence) {
  FakeAgent agent = ConnectInSync();
  const std::string first = Sha256Hex("");
  Apply(3);
  v1::DeletePolicyRequest request;
  request.set_name("park");
  ASSERT_TRUE(Ask(&FleetEngine::DeletePolicy, request).ok());
  Settle();
  ASSERT_EQ(GetNode("n1").desired_digest(), first);
  Report(agent, "APPLIED", first);
  ExpectCounts(2, 0, 0);
  spec_clock_.Advance(absl::Seconds(3));
  Ack(agent);
  Report(agent, "APPLIED", first);
  ExpectCounts(2, 1, 1);
  EXPECT_EQ(SecondsOf(counters_.spec_convergence_duration), 3);
}

TEST_F(SpecTimesTest, AFailureThatIsMendedConvergesThen) {
  FakeAgent agent = ConnectInSync();
  Apply(3);
  Ack(agent);
  Report(agent, "FAILED");
  ExpectCounts(1, 1, 0);
  spec_clock_.Advance(absl::Minutes(2));
  Report(agent, "APPLIED");
  ExpectCounts(1, 1, 1);
  EXPECT_EQ(SecondsOf(counters_.spec_convergence_duration), 120);
  Report(agent, "FAILED");
  Report(agent, "APPLIED");
  ExpectCounts(1, 1, 1);
}

}  // namespace
}  // namespace hotplugger::server
