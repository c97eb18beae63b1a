// hotplugctl events: what happened, and what happens.
#include "common/error_info.h"
#include "tests/client/command_line_fixture.h"

namespace hotplugger::client {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

class EventsTest : public CommandLineTest {
 protected:
  static v1::Event EventOf(int sequence, const std::string& resource = "nodes/a") {
    v1::Event event;
    event.set_sequence(sequence);
    event.mutable_time()->set_seconds(1'700'000'000 - 60);
    event.set_severity(v1::EVENT_SEVERITY_NORMAL);
    event.set_type("NodeConnected");
    event.set_resource(resource);
    event.set_message("it has connected");
    return event;
  }
  // The latest first.
  void Answer(const std::vector<v1::Event>& events, const std::string& next = "") {
    v1::ListEventsResponse page;
    page.mutable_events()->Add(events.begin(), events.end());
    page.set_next_page_token(next);
    fleet.list_events.Answer(page);
  }
  static v1::WatchEventsResponse Told(const v1::Event& event, const std::string& token,
                                      int missed = 0) {
    v1::WatchEventsResponse answer;
    *answer.mutable_event() = event;
    answer.set_resume_token(token);
    answer.set_missed(missed);
    return answer;
  }
  void InterruptAtTheEnd() {
    fleet.watch_events.after_last = [this] { interrupt.request_stop(); };
  }
  const v1::ListEventsRequest& Request(size_t index) {
    return fleet.list_events.requests.at(index);
  }
};

TEST_F(EventsTest, TheLatestStandsLast) {
  v1::Event warning = EventOf(3, "policies/lab");
  warning.set_severity(v1::EVENT_SEVERITY_WARNING);
  warning.set_type("PolicyConflict");
  warning.set_message("two\nlines");
  Answer({warning, EventOf(2)});
  EXPECT_EQ(Run({"events"}), 0) << err;
  EXPECT_EQ(out,
            "AGE  SEVERITY  TYPE            ABOUT         MESSAGE\n"
            "60s  normal    NodeConnected   nodes/a       it has connected\n"
            "60s  warning   PolicyConflict  policies/lab  two\\nlines\n");
  EXPECT_EQ(Request(0).page_size(), 101);
  EXPECT_FALSE(Request(0).filter().has_since_time());
  EXPECT_EQ(Run({"events", "-o", "name"}), 0);
  EXPECT_EQ(out, "event/2\nevent/3\n");
  EXPECT_EQ(Run({"events", "-o", "wide"}), 0);
  EXPECT_THAT(out, HasSubstr("two\\nlines        2023-11-14T22:12:20Z  3\n"));
  EXPECT_EQ(Run({"events", "-o", "json"}), 0);
  EXPECT_LT(out.find("\"sequence\": \"3\""), out.find("\"sequence\": \"2\""))
      << "as the controller answers";
}

TEST_F(EventsTest, AsksForWhatTheFlagsSay) {
  Answer({});
  EXPECT_EQ(Run({"events", "gamma", "--type", "NodeConnected", "--since", "1h", "--warnings",
                 "--limit", "7"}),
            0)
      << err;
  const v1::EventFilter& filter = Request(0).filter();
  EXPECT_EQ(filter.resource(), "nodes/gamma");
  EXPECT_EQ(filter.type(), "NodeConnected");
  EXPECT_TRUE(filter.warnings_only());
  EXPECT_EQ(filter.since_time().seconds(), 1'700'000'000 - 3600);
  EXPECT_EQ(Request(0).page_size(), 8);
  EXPECT_EQ(Run({"events", "policies/lab"}), 0);
  EXPECT_EQ(Request(1).filter().resource(), "policies/lab");
}

TEST_F(EventsTest, OfSeveralThingsEachIsChosenHere) {
  Answer({EventOf(9, "nodes/a"), EventOf(8, "nodes/ab"), EventOf(7, "policies/p")}, "t");
  Answer({EventOf(6, "nodes/a/holds/cpu3"), EventOf(5, "nodes/b")});
  EXPECT_EQ(Run({"events", "a", "policies/p", "-o", "name", "--limit", "2"}), 0) << err;
  EXPECT_EQ(out, "event/7\nevent/9\n");
  EXPECT_EQ(err, "there are older events; --limit 2 left them out\n");
  EXPECT_EQ(Request(0).filter().resource(), "");
  EXPECT_EQ(Request(1).page_token(), "t");
}

TEST_F(EventsTest, WrongArgumentsAreToldAtOnce) {
  EXPECT_EQ(Run({"events", "holds/x", "", "--since", "soon", "--limit", "0", "--type", ""}), 2);
  EXPECT_THAT(err, AllOf(HasSubstr("5 values are wrong"), HasSubstr("ABOUT: \"holds/x\""),
                         HasSubstr("--since: \"soon\""), HasSubstr("--limit: \"0\"")));
  EXPECT_THAT(fleet.list_events.requests, IsEmpty());
  fleet.list_events.Answer(MakeFieldErrors({{"filter.type", "is none"}}));
  EXPECT_EQ(Run({"events", "--type", "x"}), 2);
  EXPECT_THAT(err, HasSubstr("--type: is none"));
}

TEST_F(EventsTest, AWatchGoesOnWhereItWas) {
  Answer({EventOf(2), EventOf(1)});
  fleet.watch_events.Call({Told(EventOf(3), "t3"), Told(EventOf(4), "t4")});
  fleet.watch_events.Call({Told(EventOf(9), "t9", 4)});
  InterruptAtTheEnd();
  EXPECT_EQ(Run({"events", "a", "--watch", "-o", "name"}), 0) << err;
  EXPECT_EQ(out, "event/1\nevent/2\nevent/3\nevent/4\nevent/9\n");
  EXPECT_THAT(
      err,
      HasSubstr("warning: at most 4 events before the next one came too fast, or are no longer "
                "kept\n"));
  EXPECT_THAT(err, HasSubstr("trying again until it answers\n"));
  const auto& watches = fleet.watch_events.requests;
  ASSERT_THAT(watches, SizeIs(3));
  EXPECT_EQ(watches[0].filter().resource(), "nodes/a");
  EXPECT_EQ(watches[0].resume_token(), "");
  EXPECT_EQ(watches[1].resume_token(), "t4");
  EXPECT_EQ(watches[2].resume_token(), "t9");
  EXPECT_THAT(fleet.list_events.requests, SizeIs(2)) << "once more when the watch has begun";
}

TEST_F(EventsTest, WhatCameBetweenTheListAndTheWatchIsNotLost) {
  Answer({EventOf(2)});
  Answer({EventOf(6), EventOf(5), EventOf(4), EventOf(2)});
  fleet.watch_events.Call({Told(EventOf(6), "t6"), Told(EventOf(9), "t9")});
  InterruptAtTheEnd();
  EXPECT_EQ(Run({"events", "-w", "-o", "name"}), 0) << err;
  EXPECT_EQ(out, "event/2\nevent/4\nevent/5\nevent/6\nevent/9\n");
  EXPECT_THAT(fleet.list_events.requests, SizeIs(2)) << "with a token nothing can be missing";
}

// The first answer has a token alone.
TEST_F(EventsTest, AWatchThatWasToldOfNothingGoesOnWithItsToken) {
  Answer({EventOf(2)});
  Answer({EventOf(6), EventOf(5), EventOf(2)});
  v1::WatchEventsResponse begun;
  begun.set_resume_token("t5");
  fleet.watch_events.Call({begun});
  fleet.watch_events.Call({Told(EventOf(6), "t6")});
  InterruptAtTheEnd();
  EXPECT_EQ(Run({"events", "-w", "-o", "name"}), 0) << err;
  EXPECT_EQ(out, "event/2\nevent/5\nevent/6\n") << "also what came before the call";
  EXPECT_EQ(fleet.watch_events.requests.at(1).resume_token(), "t5");
  EXPECT_EQ(fleet.watch_events.requests.at(2).resume_token(), "t6");
}

TEST_F(EventsTest, NoEventIsToldTwice) {
  Answer({EventOf(2)});
  Answer({EventOf(4), EventOf(3), EventOf(2)});
  v1::WatchEventsResponse begun;
  begun.set_resume_token("t2");
  // The second list has what the watch tells, too; also after it broke.
  fleet.watch_events.Call({begun, Told(EventOf(3), "t3")});
  fleet.watch_events.Call({Told(EventOf(4), "t4"), Told(EventOf(5), "t5")});
  InterruptAtTheEnd();
  EXPECT_EQ(Run({"events", "-w", "-o", "name"}), 0) << err;
  EXPECT_EQ(out, "event/2\nevent/3\nevent/4\nevent/5\n");
  EXPECT_THAT(err, Not(HasSubstr("anew")));
}

TEST_F(EventsTest, ANewNumberingIsNoticed) {
  const auto later = [](int sequence) {
    v1::Event event = EventOf(sequence);
    event.mutable_time()->set_seconds(1'700'000'000 - 1);
    return event;
  };
  Answer({EventOf(7)});
  v1::WatchEventsResponse begun;
  begun.set_resume_token("e1-7");
  fleet.watch_events.Call({begun});
  // Of another start, which has come as far as the one before.
  fleet.watch_events.Call({Told(later(1), "e2-1"), Told(later(7), "e2-7"), Told(later(8), "e2-8")});
  InterruptAtTheEnd();
  EXPECT_EQ(Run({"events", "-w", "-o", "name"}), 0) << err;
  EXPECT_EQ(out, "event/7\nevent/1\nevent/7\nevent/8\n");
  EXPECT_THAT(err, HasSubstr("the controller was started anew and counts its events from the "
                             "beginning"));
}

TEST_F(EventsTest, ANewNumberingBeforeTheWatchBeganIsNoticedToo) {
  Answer({EventOf(7)});
  Answer({EventOf(2), EventOf(1)});
  v1::WatchEventsResponse begun;
  begun.set_resume_token("e2-2");
  fleet.watch_events.Call({}, MakeError(absl::StatusCode::kUnavailable, "UNREACHABLE", "gone"));
  fleet.watch_events.Call({begun, Told(EventOf(3), "e2-3")});
  InterruptAtTheEnd();
  EXPECT_EQ(Run({"events", "-w", "-o", "name"}), 0) << err;
  EXPECT_EQ(out, "event/7\nevent/1\nevent/2\nevent/3\n");
  EXPECT_THAT(err, HasSubstr("started anew"));
}

TEST_F(EventsTest, AWatchOfSeveralThingsLeavesOutTheRest) {
  Answer({});
  fleet.watch_events.Call({Told(EventOf(1, "nodes/a"), "1"), Told(EventOf(2, "nodes/c"), "2"),
                           Told(EventOf(3, "nodes/b"), "3")});
  InterruptAtTheEnd();
  EXPECT_EQ(Run({"events", "a", "b", "-w"}), 0);
  EXPECT_THAT(out, AllOf(HasSubstr("nodes/a"), HasSubstr("nodes/b"), Not(HasSubstr("nodes/c"))));
}

TEST_F(EventsTest, AWatchAsJsonIsALineAnEvent) {
  Answer({EventOf(1)});
  fleet.watch_events.Call({Told(EventOf(2), "t")});
  InterruptAtTheEnd();
  EXPECT_EQ(Run({"events", "-w", "-o", "json"}), 0);
  EXPECT_THAT(out, testing::StartsWith("{\"sequence\":\"1\","));
  EXPECT_THAT(out, HasSubstr("}\n{\"sequence\":\"2\","));
}

TEST_F(EventsTest, HostileTextIsMadePrintable) {
  v1::Event event = EventOf(1, "nodes/\033[31m");
  event.set_type("\033");
  event.set_message("\r\033[2J");
  Answer({event});
  EXPECT_EQ(Run({"events", "-o", "wide"}), 0);
  EXPECT_THAT(out, AllOf(Not(HasSubstr("\033")), Not(HasSubstr("\r"))));
}

}  // namespace
}  // namespace hotplugger::client
