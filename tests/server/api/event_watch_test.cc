#include "server/api/event_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "common/error_info.h"
#include "common/transport/grpc_status.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fakes/fake_server_writer.h"
#include "tests/fakes/proto_text.h"

namespace hotplugger::server {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Writer = testing::FakeServerWriter<v1::WatchEventsResponse>;

constexpr uint64_t kEpoch = 7;

class EventWatchTest : public ::testing::Test {
 protected:
  // One watch, read when a test says so. Never told by the log's own thread.
  class Watcher {
   public:
    explicit Watcher(EventWatch* stream) : stream_(stream), writer_(stream) {}
    ~Watcher() {
      if (!writer_.finished()) writer_.Cancel();
      while (writer_.writing()) writer_.EndWrite(false);
      writer_.Done();
    }

    std::vector<std::string> Read() {
      stream_->Changed();
      std::vector<std::string> resources;
      while (writer_.writing()) {
        if (last().has_event()) resources.push_back(last().event().resource());
        token_ = last().resume_token();
        missed_ += last().missed();
        writer_.EndWrite(true);
      }
      return resources;
    }
    const v1::WatchEventsResponse& last() const { return writer_.written().back(); }
    const std::string& token() const { return token_; }
    int64_t missed() const { return missed_; }
    Writer& writer() { return writer_; }

   private:
    EventWatch* const stream_;
    Writer writer_;
    std::string token_;
    int64_t missed_ = 0;
  };

  EventWatchTest() { events_.Stop(); }

  std::unique_ptr<Watcher> Watch(const std::string& request = "") {
    return std::make_unique<Watcher>(EventWatch::Start(
        testing::FromText<v1::WatchEventsRequest>(request), &events_, kEpoch, &watches_));
  }
  void Add(const std::string& resource, EventType type = EventType::kNodeConnected) {
    events_.Add({type, resource, absl::StrCat(++count_)});
  }

  FakeClock clock_;
  EventLog events_{&clock_};
  Watches watches_{"events"};
  int count_ = 0;
};

TEST_F(EventWatchTest, TellsWhatHappensFromNowOn) {
  Add("nodes/old");
  auto watcher = Watch();
  EXPECT_THAT(watcher->Read(), IsEmpty());
  Add("nodes/a");
  Add("nodes/b", EventType::kNodeDisconnected);
  EXPECT_THAT(watcher->Read(), ElementsAre("nodes/a", "nodes/b"));
  EXPECT_EQ(watcher->last().event().type(), "NodeDisconnected");
  EXPECT_EQ(watcher->last().resume_token(), "7-3");
  EXPECT_EQ(watcher->last().missed(), 0);
}

TEST_F(EventWatchTest, Filters) {
  auto watcher = Watch("filter {warnings_only: true}");
  Add("nodes/a");
  Add("nodes/b", EventType::kNodeDisconnected);
  EXPECT_THAT(watcher->Read(), ElementsAre("nodes/b"));
}

TEST_F(EventWatchTest, WhoComesBackIsToldWhatItHasMissed) {
  auto watcher = Watch();
  Add("nodes/a");
  watcher->Read();
  const std::string token = watcher->token();
  watcher.reset();
  Add("nodes/b");
  watcher = Watch(absl::StrCat(R"(resume_token: ")", token, "\""));
  EXPECT_THAT(watcher->Read(), ElementsAre("nodes/b"));
  EXPECT_EQ(watcher->missed(), 0);
}

// Otherwise what happens while the call is broken off would be lost.
TEST_F(EventWatchTest, WhoWasToldOfNoEventCanGoOnToo) {
  Add("nodes/old");
  auto watcher = Watch();
  ASSERT_TRUE(watcher->writer().writing()) << "at once";
  EXPECT_FALSE(watcher->last().has_event());
  EXPECT_EQ(watcher->last().resume_token(), "7-1");
  Add("nodes/a");
  const std::string token = watcher->last().resume_token();
  watcher.reset();
  watcher = Watch(absl::StrCat(R"(resume_token: ")", token, "\""));
  EXPECT_TRUE(watcher->last().has_event()) << "it has a token";
  EXPECT_THAT(watcher->Read(), ElementsAre("nodes/a"));
}

TEST_F(EventWatchTest, OfAnotherStartItTellsAllSinceThisOne) {
  Add("nodes/a");
  auto watcher = Watch(R"(resume_token: "6-900")");
  EXPECT_THAT(watcher->Read(), ElementsAre("nodes/a"));
}

TEST_F(EventWatchTest, CountsWhatIsNoLongerKept) {
  Add("nodes/first");
  auto watcher = Watch(R"(resume_token: "7-0")");
  ASSERT_TRUE(watcher->writer().writing()) << "the first one is on its way";
  for (size_t i = 0; i < EventLog::kMaxKept + 5; ++i) Add(absl::StrCat("nodes/n", i));
  watcher->writer().EndWrite(true);
  EXPECT_EQ(watcher->last().missed(), 5);
  EXPECT_EQ(watcher->last().event().resource(), "nodes/n5");
  EXPECT_EQ(watcher->Read().size(), EventLog::kMaxKept);
  EXPECT_EQ(watcher->missed(), 5) << "told once";
}

TEST_F(EventWatchTest, WhatIsWrongIsNamed) {
  const auto field = [this](const std::string& request) {
    auto watcher = Watch(request);
    EXPECT_TRUE(watcher->writer().finished());
    return ErrorFieldViolations(FromGrpcStatus(*watcher->writer().finished()))[0].field;
  };
  EXPECT_EQ(field(R"(resume_token: "x")"), "resume_token");
  EXPECT_EQ(field(R"(filter {type: "NodeEaten"})"), "filter.type");
}

TEST_F(EventWatchTest, AreBoundedAndEndWithTheController) {
  std::vector<std::unique_ptr<Watcher>> open;
  for (size_t i = 0; i < Watches::kMax; ++i) open.push_back(Watch());
  auto refused = Watch();
  EXPECT_EQ(ErrorReason(FromGrpcStatus(*refused->writer().finished())), "TOO_MANY_WATCHES");
  watches_.CloseAll(MakeError(absl::StatusCode::kUnavailable, "SHUTTING_DOWN", "bye"));
  for (const auto& watcher : open) {
    EXPECT_EQ(ErrorReason(FromGrpcStatus(*watcher->writer().finished())), "SHUTTING_DOWN");
  }
}

}  // namespace
}  // namespace hotplugger::server
