// hotplugctl audit: who asked for what, and what came of it.
#include "common/error_info.h"
#include "common/rpc_status.h"
#include "tests/client/command_line_fixture.h"

namespace hotplugger::client {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

class AuditTest : public CommandLineTest {
 protected:
  // Entries of these sequences, the latest first.
  static v1::ListAuditEntriesResponse Page(const std::vector<int>& sequences,
                                           const std::string& next = "") {
    v1::ListAuditEntriesResponse page;
    for (const int sequence : sequences) {
      v1::AuditEntry& entry = *page.add_entries();
      entry.set_sequence(sequence);
      entry.mutable_time()->set_seconds(1'700'000'000 + sequence);
      entry.set_method("SetHold");
    }
    page.set_next_page_token(next);
    return page;
  }
  void Answer(const std::vector<int>& sequences, const std::string& next = "") {
    fleet.list_audit_entries.Answer(Page(sequences, next));
  }
  // One call of a watch, which breaks after these.
  void Follow(const std::vector<int>& sequences) {
    std::vector<v1::WatchAuditEntriesResponse> answers;
    for (const int sequence : sequences) {
      *answers.emplace_back().mutable_entry() = Page({sequence}).entries(0);
    }
    fleet.watch_audit_entries.Call(std::move(answers));
  }
  const v1::ListAuditEntriesRequest& Request(size_t index) {
    return fleet.list_audit_entries.requests.at(index);
  }
};

v1::ListAuditEntriesResponse ThreeEntries() {
  auto page = Proto<v1::ListAuditEntriesResponse>(R"pb(
    entries {
      sequence: 3
      time { seconds: 1700000000 }
      method: "ApplyPolicy"
      resource: "policies/lab"
      identity: "ops"
      peer: "ipv4:10.0.0.1:4"
      note { author: "ada@desk" reason: "bad\ncache" ticket: "OPS-1" }
      summary: "revision 3: cpu.offline 8-15"
    }
    entries {
      sequence: 2
      method: "SetHold"
      resource: "nodes/a/holds/cpu3"
      note { author: "eve" }
    }
    entries { sequence: 1 method: "DeleteNode" resource: "nodes/b" peer: "unix:" }
  )pb");
  *page.mutable_entries(1)->mutable_status() =
      ToRpcStatus(MakeError(absl::StatusCode::kAborted, "ETAG_MISMATCH", "it has changed"));
  page.mutable_entries(2)->mutable_status()->set_code(13);
  return page;
}

TEST_F(AuditTest, ShowsWhoAskedForWhatAndTheResult) {
  fleet.list_audit_entries.Answer(ThreeEntries());
  EXPECT_EQ(Run({"audit"}), 0) << err;
  EXPECT_EQ(out,
            "TIME                  WHO    WHAT                        RESULT\n"
            "2023-11-14T22:13:20Z  ops    ApplyPolicy policies/lab    ok\n"
            "-                     eve    SetHold nodes/a/holds/cpu3  ETAG_MISMATCH\n"
            "-                     unix:  DeleteNode nodes/b          INTERNAL\n");
  EXPECT_EQ(err, "");
  EXPECT_EQ(Request(0).page_size(), 101);
  EXPECT_FALSE(Request(0).filter().has_since_time());
  EXPECT_EQ(Run({"audit", "-o", "name"}), 0);
  EXPECT_EQ(out, "audit/3\naudit/2\naudit/1\n");
}

TEST_F(AuditTest, WideHasMore) {
  fleet.list_audit_entries.Answer(ThreeEntries());
  EXPECT_EQ(Run({"audit", "-o", "wide"}), 0) << err;
  EXPECT_THAT(out, HasSubstr("RESULT         SUMMARY                       REASON      TICKET  PEER"
                             "\n"));
  EXPECT_THAT(out, HasSubstr("ok             revision 3: cpu.offline 8-15  bad\\ncache  OPS-1   "
                             "ipv4:10.0.0.1:4\n"));
  EXPECT_THAT(out,
              HasSubstr("ETAG_MISMATCH  it has changed                -           -       -\n"))
      << "of what was refused its message";
}

TEST_F(AuditTest, AsksForWhatTheFlagsSay) {
  fleet.list_audit_entries.Answer(v1::ListAuditEntriesResponse());
  EXPECT_EQ(Run({"audit", "--resource", "nodes/a", "--method", "SetHold", "--failed", "--since",
                 "2h", "--limit", "7"}),
            0);
  EXPECT_EQ(out, "TIME  WHO  WHAT  RESULT\n");
  EXPECT_EQ(Request(0).filter().resource(), "nodes/a");
  EXPECT_EQ(Request(0).filter().method(), "SetHold");
  EXPECT_TRUE(Request(0).filter().failed_only());
  EXPECT_EQ(Request(0).filter().since_time().seconds(), 1'700'000'000 - 7200);
  EXPECT_EQ(Request(0).page_size(), 8);
  EXPECT_EQ(Run({"audit", "--since", "3d"}), 0);
  EXPECT_EQ(Request(1).filter().since_time().seconds(), 1'700'000'000 - 3 * 86400);
  EXPECT_EQ(Run({"audit", "--since", "2026-12-01T09:00:00+01:00"}), 0);
  EXPECT_EQ(Request(2).filter().since_time().seconds(), 1796112000);
}

TEST_F(AuditTest, WrongFlagsAreToldAtOnce) {
  for (const char* since : {"yesterday", "-2h", "0s", "2026-12-01", "99999999d"}) {
    EXPECT_EQ(Run({"audit", std::string("--since=") + since, "--limit", "0"}), 2) << since;
    EXPECT_THAT(err, AllOf(HasSubstr("2 values are wrong"), HasSubstr("--since: \""),
                           HasSubstr("--limit: \"0\"")));
  }
  EXPECT_THAT(fleet.list_audit_entries.requests, IsEmpty());
  fleet.list_audit_entries.Answer(MakeFieldErrors({{"filter.method", "is too long"}}));
  EXPECT_EQ(Run({"audit", "--method", "x"}), 2);
  EXPECT_THAT(err, HasSubstr("--method: is too long"));
}

TEST_F(AuditTest, GoesFromPageToPageUpToTheLimit) {
  Answer({9, 8}, "t1");
  Answer({}, "t2");
  Answer({7, 6}, "t3");
  EXPECT_EQ(Run({"audit", "--limit", "3", "-o", "name"}), 0) << err;
  EXPECT_EQ(out, "audit/9\naudit/8\naudit/7\n");
  EXPECT_EQ(err, "there are older entries; --limit 3 left them out\n");
  ASSERT_THAT(fleet.list_audit_entries.requests, SizeIs(3));
  EXPECT_EQ(Request(1).page_token(), "t1");
  EXPECT_EQ(Request(1).page_size(), 2);
  EXPECT_EQ(Request(2).page_token(), "t2");
}

TEST_F(AuditTest, PagesThatNeverEndAreAnError) {
  Answer({9}, "t");
  Answer({8}, "t");
  EXPECT_EQ(Run({"audit"}), 1);
  EXPECT_THAT(err, HasSubstr("reason: ENDLESS_LIST"));
}

TEST_F(AuditTest, AListIsOneDocument) {
  Answer({2}, "t");
  Answer({1});
  EXPECT_EQ(Run({"audit", "-o", "json"}), 0);
  EXPECT_THAT(out, AllOf(HasSubstr("\"sequence\": \"2\""), HasSubstr("\"sequence\": \"1\""),
                         HasSubstr("\"nextPageToken\": \"\"")));
}

TEST_F(AuditTest, AWatchPrintsTheLatestLastAndThenWhatIsNew) {
  // The newest of all tells where the watch begins; then those that are wanted.
  Answer({6});
  Answer({5, 4});
  Follow({7, 9});
  Follow({10});
  fleet.watch_audit_entries.after_last = [this] { interrupt.request_stop(); };
  EXPECT_EQ(Run({"audit", "--watch", "--method", "SetHold"}), 0) << err;
  EXPECT_EQ(out,
            "TIME                  WHO  WHAT      RESULT\n"
            "2023-11-14T22:13:24Z  -    SetHold   ok\n"
            "2023-11-14T22:13:25Z  -    SetHold   ok\n"
            "2023-11-14T22:13:27Z  -    SetHold   ok\n"
            "2023-11-14T22:13:29Z  -    SetHold   ok\n"
            "2023-11-14T22:13:30Z  -    SetHold   ok\n");
  EXPECT_EQ(Request(0).filter().method(), "");
  EXPECT_EQ(Request(1).filter().method(), "SetHold");
  const auto& watches = fleet.watch_audit_entries.requests;
  ASSERT_THAT(watches, SizeIs(3));
  EXPECT_EQ(watches[0].filter().method(), "SetHold");
  EXPECT_EQ(watches[0].after_sequence(), 6);
  EXPECT_EQ(watches[1].after_sequence(), 9) << "it goes on where it was";
  EXPECT_EQ(watches[2].after_sequence(), 10);
}

TEST_F(AuditTest, AWatchIsALineForEachEntryAndOutlivesTheController) {
  Answer({1});
  Answer({1});
  Follow({});
  Follow({2});
  fleet.watch_audit_entries.after_last = [this] { interrupt.request_stop(); };
  EXPECT_EQ(Run({"audit", "-w", "-o", "json"}), 0) << err;
  EXPECT_THAT(out, testing::StartsWith("{\"sequence\":\"1\""));
  EXPECT_THAT(out, HasSubstr("}\n{\"sequence\":\"2\""));
  EXPECT_THAT(err, AllOf(HasSubstr("trying again until it answers\n"),
                         HasSubstr("the controller answers again\n")));
}

TEST_F(AuditTest, AWatchOfAnEmptyLogMissesNothing) {
  Answer({});
  Answer({});
  v1::WatchAuditEntriesResponse answer;
  answer.mutable_entry()->set_sequence(4);
  answer.set_missed(3);
  fleet.watch_audit_entries.Call({answer});
  fleet.watch_audit_entries.after_last = [this] { interrupt.request_stop(); };
  EXPECT_EQ(Run({"audit", "-w", "-o", "name"}), 0) << err;
  EXPECT_TRUE(fleet.watch_audit_entries.requests.at(0).has_after_sequence());
  EXPECT_EQ(fleet.watch_audit_entries.requests.at(1).after_sequence(), 4);
  EXPECT_EQ(out, "audit/4\n");
  EXPECT_THAT(err, HasSubstr("warning: at most 3 entries before the next one are no longer"));
}

TEST_F(AuditTest, AWatchGoesOnInAStoreThatWasPutBack) {
  Answer({50});
  Answer({50});
  Follow({51});
  Follow({12});
  fleet.watch_audit_entries.after_last = [this] { interrupt.request_stop(); };
  EXPECT_EQ(Run({"audit", "-w", "-o", "name"}), 0) << err;
  EXPECT_EQ(fleet.watch_audit_entries.requests.at(2).after_sequence(), 12);
}

TEST_F(AuditTest, AWatchOfWhatCantBeReachedEnds) {
  fleet.list_audit_entries.Answer(
      MakeError(absl::StatusCode::kUnavailable, "UNREACHABLE", "nobody"));
  EXPECT_EQ(Run({"audit", "-w"}), 69);
  EXPECT_THAT(fleet.watch_audit_entries.requests, IsEmpty());
}

TEST_F(AuditTest, AWatchEndsWhereTheControllerRefuses) {
  Answer({});
  Answer({});
  fleet.watch_audit_entries.Call({}, MakeFieldErrors({{"filter.method", "is too long"}}));
  EXPECT_EQ(Run({"audit", "-w"}), 2);
  EXPECT_THAT(err, HasSubstr("--method: is too long"));
}

TEST_F(AuditTest, HostileTextIsMadePrintable) {
  const std::string hostile = "\\033[31m\\r\\n";
  fleet.list_audit_entries.Answer(Proto<v1::ListAuditEntriesResponse>(
      "entries { time { seconds: -9223372036854775808 } method: '" + hostile + "' resource: '" +
      hostile + "' identity: '" + hostile + "' peer: '" + hostile + "' note { reason: '" + hostile +
      "' ticket: '" + hostile + "' } summary: '" + hostile + "' status { code: 99 message: '" +
      hostile + "' } }"));
  EXPECT_EQ(Run({"audit", "-o", "wide"}), 0);
  EXPECT_THAT(out, AllOf(Not(HasSubstr("\033")), Not(HasSubstr("\r"))));
}

}  // namespace
}  // namespace hotplugger::client
