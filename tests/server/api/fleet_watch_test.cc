#include "server/api/fleet_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "common/error_info.h"
#include "common/transport/grpc_status.h"
#include "tests/fakes/fake_server_writer.h"
#include "tests/server/fleet/fleet_fixture.h"

namespace hotplugger::server {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using Writer = testing::FakeServerWriter<v1::WatchFleetResponse>;

class FleetWatchTest : public FleetFixture {
 protected:
  // No other thread tells the watches.
  FleetWatchTest() { feed_.Stop(); }

  // One watch, read as fast as it writes.
  class Watcher {
   public:
    explicit Watcher(FleetWatch* stream) : stream_(stream), writer_(stream) {}
    ~Watcher() {
      if (!writer_.finished()) writer_.Cancel();
      while (writer_.writing()) writer_.EndWrite(false);
      writer_.Done();
    }

    // What has been written since the last call, in short, until there is nothing more.
    std::vector<std::string> Read() {
      stream_->Changed();
      std::vector<std::string> lines;
      while (writer_.writing()) {
        lines.push_back(Short(writer_.written().back()));
        token_ = writer_.written().back().resume_token();
        writer_.EndWrite(true);
      }
      return lines;
    }
    const std::string& token() const { return token_; }
    Writer& writer() { return writer_; }

   private:
    static std::string Short(const v1::WatchFleetResponse& response) {
      switch (response.event_case()) {
        case v1::WatchFleetResponse::kReset:
          return "reset";
        case v1::WatchFleetResponse::kSynced:
          return "synced";
        case v1::WatchFleetResponse::kNode:
          return absl::StrCat("node ", response.node().name(),
                              response.node().connected() ? " connected" : "");
        case v1::WatchFleetResponse::kPolicy:
          return absl::StrCat("policy ", response.policy().name(), " ",
                              response.policy().revision());
        case v1::WatchFleetResponse::kHold:
          return absl::StrCat("hold ", response.hold().node(), "/", response.hold().subject());
        case v1::WatchFleetResponse::kDeletedNode:
          return absl::StrCat("-node ", response.deleted_node());
        case v1::WatchFleetResponse::kDeletedPolicy:
          return absl::StrCat("-policy ", response.deleted_policy());
        case v1::WatchFleetResponse::kDeletedHold:
          return absl::StrCat("-hold ", response.deleted_hold().node(), "/",
                              response.deleted_hold().subject());
        default:
          return "nothing";
      }
    }

    FleetWatch* const stream_;
    Writer writer_;
    std::string token_;
  };

  std::unique_ptr<Watcher> Watch(const std::string& request = "") {
    return std::make_unique<Watcher>(
        FleetWatch::Start(testing::FromText<v1::WatchFleetRequest>(request), &feed_,
                          registry_.get(), kEpoch, &watches_));
  }
  void Put(const std::string& name, const std::string& cpus = "1") {
    ASSERT_TRUE(Apply(absl::StrCat("name: \"", name, "\" selector {nodes: \"n1\"} cpu {offline: \"",
                                   cpus, "\"}"))
                    .ok());
  }

  Watches watches_{"the fleet"};
};

TEST_F(FleetWatchTest, FirstAllThatThereIsThenWhatChanges) {
  FakeAgent agent = Connect("n1");
  Put("p");
  auto watcher = Watch();
  std::vector<std::string> begin = watcher->Read();
  ASSERT_EQ(begin.size(), 4u);
  EXPECT_EQ(begin.front(), "reset");
  EXPECT_EQ(begin.back(), "synced");
  EXPECT_THAT(begin, Contains("node n1 connected"));
  EXPECT_THAT(begin, Contains("policy p 1"));
  EXPECT_TRUE(watcher->Read().empty());

  ASSERT_TRUE(SetHold(R"(node: "n1" subject: "cpu3" state: DEVICE_STATE_OFFLINE)").ok());
  Settle();
  EXPECT_THAT(watcher->Read(),
              ::testing::UnorderedElementsAre("hold n1/cpu3", "node n1 connected"));
  v1::ReleaseHoldRequest release;
  release.set_node("n1");
  release.set_subject("cpu3");
  ASSERT_TRUE(Ask(&FleetEngine::ReleaseHold, release).ok());
  v1::DeletePolicyRequest gone;
  gone.set_name("p");
  ASSERT_TRUE(Ask(&FleetEngine::DeletePolicy, gone).ok());
  agent.session->OnClosed(agent.link.get());
  Settle();
  EXPECT_THAT(watcher->Read(),
              ::testing::UnorderedElementsAre("-hold n1/cpu3", "-policy p", "node n1"));
  v1::DeleteNodeRequest forget;
  forget.set_name("n1");
  ASSERT_TRUE(Ask(&FleetEngine::DeleteNode, forget).ok());
  EXPECT_THAT(watcher->Read(), ElementsAre("-node n1"));
}

TEST_F(FleetWatchTest, WhoComesBackIsToldWhatItHasMissedAndNothingElse) {
  Put("a");
  Put("b");
  auto watcher = Watch();
  watcher->Read();
  const std::string token = watcher->token();
  watcher.reset();
  Put("a", "2");
  v1::DeletePolicyRequest gone;
  gone.set_name("b");
  ASSERT_TRUE(Ask(&FleetEngine::DeletePolicy, gone).ok());
  watcher = Watch(absl::StrCat(R"(resume_token: ")", token, "\""));
  EXPECT_THAT(watcher->Read(), ElementsAre("policy a 2", "-policy b", "synced"));
}

TEST_F(FleetWatchTest, ATokenOfAnotherControllerBeginsAnew) {
  Put("a");
  for (const char* token : {"6-0", "7-999999"}) {
    auto watcher = Watch(absl::StrCat(R"(resume_token: ")", token, "\""));
    EXPECT_THAT(watcher->Read(), ElementsAre("reset", "policy a 1", "synced"));
  }
}

TEST_F(FleetWatchTest, KindsAndSummaries) {
  FakeAgent agent = Connect("n1");
  ASSERT_TRUE(agent.Say(R"(inventory {cpus_present: "0-3"})").ok());
  Put("a");
  auto policies = Watch("kinds: KIND_POLICIES");
  EXPECT_THAT(policies->Read(), ElementsAre("reset", "policy a 1", "synced"));
  auto nodes = Watch("kinds: KIND_NODES summary_only: true");
  EXPECT_THAT(nodes->Read(), ElementsAre("reset", "node n1 connected", "synced"));
  for (const v1::WatchFleetResponse& response : nodes->writer().written()) {
    EXPECT_FALSE(response.node().has_inventory());
  }
  auto nothing = Watch("kinds: KIND_HOLDS");
  EXPECT_THAT(nothing->Read(), ElementsAre("reset", "synced"));
}

// Many changes while one answer is on its way are told as they ended.
TEST_F(FleetWatchTest, WhoReadsSlowlyMissesStatesAndNoOutcome) {
  Put("a");
  auto watcher = Watch("kinds: KIND_POLICIES");
  watcher->Read();
  for (int i = 2; i <= 50; ++i) Put("a", absl::StrCat(i));
  EXPECT_THAT(watcher->Read(), ElementsAre("policy a 50"));
}

TEST_F(FleetWatchTest, WhatIsWrongIsNamed) {
  const auto field = [this](const std::string& request) {
    auto watcher = Watch(request);
    EXPECT_TRUE(watcher->writer().finished());
    const auto violations = ErrorFieldViolations(FromGrpcStatus(*watcher->writer().finished()));
    return violations.empty() ? std::string() : violations[0].field;
  };
  EXPECT_EQ(field(R"(resume_token: "x")"), "resume_token");
  EXPECT_EQ(field(R"(resume_token: "7--1")"), "resume_token");
  EXPECT_EQ(field("kinds: KIND_UNSPECIFIED"), "kinds");
}

TEST_F(FleetWatchTest, AreBoundedAndEndWithTheController) {
  std::vector<std::unique_ptr<Watcher>> open;
  for (size_t i = 0; i < Watches::kMax; ++i) open.push_back(Watch());
  {
    auto refused = Watch();
    ASSERT_TRUE(refused->writer().finished());
    EXPECT_EQ(ErrorReason(FromGrpcStatus(*refused->writer().finished())), "TOO_MANY_WATCHES");
  }
  open.pop_back();
  open.push_back(Watch());
  EXPECT_FALSE(open.back()->writer().finished());
  watches_.CloseAll(MakeError(absl::StatusCode::kUnavailable, "SHUTTING_DOWN", "bye"));
  for (const auto& watcher : open) {
    ASSERT_TRUE(watcher->writer().finished());
    EXPECT_EQ(ErrorReason(FromGrpcStatus(*watcher->writer().finished())), "SHUTTING_DOWN");
  }
  auto late = Watch();
  EXPECT_EQ(ErrorReason(FromGrpcStatus(*late->writer().finished())), "SHUTTING_DOWN");
}

}  // namespace
}  // namespace hotplugger::server
