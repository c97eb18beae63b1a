#include "agent/devices/operations/journal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "absl/strings/str_cat.h"
#include "agent/devices/rules/item_result.h"
#include "common/error_info.h"
#include "tests/agent/devices/operations/full_disk.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fakes/temp_dir.h"

namespace hotplugger::agent {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr auto kOn = v1::DEVICE_STATE_ONLINE;
constexpr auto kOff = v1::DEVICE_STATE_OFFLINE;
constexpr auto kDecision = OperationOrigin::kDecision;

class JournalTest : public ::testing::Test {
 protected:
  std::unique_ptr<Journal> Open(const std::string& boot = "boot-1") {
    auto journal = Journal::Open(dir_.path(), boot, clock_);
    EXPECT_TRUE(journal.ok()) << journal.status();
    return *std::move(journal);
  }

  static DeviceBefore Online(const std::string& device) {
    return {.device = device, .state = kOn, .zone = {}};
  }

  static void Do(Journal& journal, const std::string& device, uint64_t group = 0,
                 OperationOrigin origin = kDecision) {
    const auto id = journal.Begin(Online(device), kOff, group, origin);
    ASSERT_TRUE(id.ok());
    ASSERT_TRUE(journal.End(*id, DoneItem(device, v1::OUTCOME_CHANGED)).ok());
  }

  testing::TempDir dir_;
  FakeClock clock_;
};

TEST_F(JournalTest, RemembersOperationsTheLatestFirst) {
  const auto journal = Open();
  Do(*journal, "cpu3");
  clock_.Advance(absl::Seconds(5));
  Do(*journal, "cpu2");
  Do(*journal, "cpu3");
  const auto records = journal->OperationsOf("cpu3", 10);
  ASSERT_THAT(records, SizeIs(2));
  EXPECT_GT(records[0].time().seconds(), records[1].time().seconds());
  EXPECT_THAT(journal->OperationsOf("cpu3", 1), SizeIs(1));
}

TEST_F(JournalTest, OutlivesTheAgent) {
  v1::ItemResult failed = DoneItem("cpu3", v1::OUTCOME_FAILED);
  failed.set_reason("HOTPLUG_BUSY");
  failed.set_message("tabs\tand\nlines \"quoted\"");
  failed.set_error_number(16);
  {
    const auto journal = Open();
    const auto id = journal->Begin(Online("cpu3"), kOff, 0, kDecision);
    ASSERT_TRUE(journal->End(*id, failed).ok());
  }
  const auto journal = Open();
  EXPECT_THAT(journal->unfinished(), IsEmpty());
  const auto records = journal->OperationsOf("cpu3", 10);
  ASSERT_THAT(records, SizeIs(1));
  EXPECT_EQ(records[0].result().message(), failed.message());
  EXPECT_EQ(records[0].result().error_number(), 16);
}

TEST_F(JournalTest, AnOperationWithoutAnEndIsUnfinished) {
  ASSERT_TRUE(Open()->Begin(Online("cpu3"), kOff, 0, kDecision).ok());
  const auto journal = Open();
  ASSERT_THAT(journal->unfinished(), SizeIs(1));
  EXPECT_EQ(journal->unfinished()[0].device, "cpu3");
  EXPECT_EQ(journal->unfinished()[0].wanted, kOff);
  ASSERT_TRUE(journal->End(journal->unfinished()[0].id, DoneItem("", v1::OUTCOME_CHANGED)).ok());
  EXPECT_THAT(Open()->unfinished(), IsEmpty());
}

TEST_F(JournalTest, AnUnfinishedGroupNamesWhatItChanged) {
  {
    const auto journal = Open();
    const auto group = journal->BeginGroup();
    ASSERT_TRUE(group.ok());
    Do(*journal, "cpu3", *group);
    Do(*journal, "cpu1");
    ASSERT_TRUE(journal->Begin(Online("cpu2"), kOff, *group, kDecision).ok());
  }
  const auto journal = Open();
  ASSERT_THAT(journal->unfinished_groups(), SizeIs(1));
  EXPECT_THAT(journal->TouchedBy(journal->unfinished_groups()[0]),
              ElementsAre(Online("cpu3"), Online("cpu2")));
  ASSERT_TRUE(journal->EndGroup(journal->unfinished_groups()[0]).ok());
  EXPECT_THAT(Open()->unfinished_groups(), IsEmpty());
}

TEST_F(JournalTest, AnotherBootBeginsAnew) {
  ASSERT_TRUE(Open()->Begin(Online("cpu3"), kOff, 0, kDecision).ok());
  const auto journal = Open("boot-2");
  EXPECT_THAT(journal->unfinished(), IsEmpty());
  EXPECT_THAT(journal->OperationsOf("cpu3", 10), IsEmpty());
}

TEST_F(JournalTest, AGroupNamesEachDeviceOnceAsItWasFirst) {
  const auto journal = Open();
  const uint64_t group = *journal->BeginGroup();
  const DeviceBefore movable = {.device = "memory3", .state = kOn, .zone = v1::MEMORY_ZONE_MOVABLE};
  const auto id = journal->Begin(movable, kOff, group, kDecision);
  ASSERT_TRUE(journal->End(*id, DoneItem("memory3", v1::OUTCOME_CHANGED)).ok());
  ASSERT_TRUE(
      journal->Begin({.device = "memory3", .state = kOff, .zone = {}}, kOn, group, kDecision).ok());
  EXPECT_THAT(journal->TouchedBy(group), ElementsAre(movable));
  EXPECT_THAT(Open()->TouchedBy(group), ElementsAre(movable));
  EXPECT_THAT(journal->TouchedBy(0), IsEmpty());
}

TEST_F(JournalTest, WhatWasRefusedOrAlreadySoIsNotTouched) {
  const auto journal = Open();
  const uint64_t group = *journal->BeginGroup();
  for (const v1::Outcome outcome : {v1::OUTCOME_REFUSED, v1::OUTCOME_ALREADY}) {
    const auto id = journal->Begin(Online("cpu3"), kOff, group, kDecision);
    ASSERT_TRUE(journal->End(*id, DoneItem("cpu3", outcome)).ok());
  }
  EXPECT_THAT(journal->TouchedBy(group), IsEmpty());
}

class JournalOriginTest : public JournalTest {
 protected:
  static void Act(Journal& journal, v1::DeviceState wanted, OperationOrigin origin,
                  uint64_t group = 0, v1::Outcome outcome = v1::OUTCOME_CHANGED) {
    const auto id = journal.Begin(Online("cpu3"), wanted, group, origin);
    ASSERT_TRUE(id.ok());
    ASSERT_TRUE(journal.End(*id, DoneItem("cpu3", outcome)).ok());
  }
};

TEST_F(JournalOriginTest, TellsWhoseTheLastOfflineIs) {
  const auto journal = Open();
  EXPECT_EQ(journal->TakenOfflineBy("cpu3"), std::nullopt);
  for (const auto origin : {kDecision, OperationOrigin::kDriver, OperationOrigin::kPerson}) {
    Act(*journal, kOff, origin);
    EXPECT_EQ(journal->TakenOfflineBy("cpu3"), origin);
  }
  Act(*journal, kOff, kDecision, 0, v1::OUTCOME_ALREADY);
  EXPECT_EQ(journal->TakenOfflineBy("cpu3"), kDecision);
  Act(*journal, kOff, kDecision, 0, v1::OUTCOME_FAILED);
  EXPECT_EQ(journal->TakenOfflineBy("cpu3"), std::nullopt);
  Act(*journal, kOff, kDecision);
  Act(*journal, kOn, kDecision);
  EXPECT_EQ(journal->TakenOfflineBy("cpu3"), std::nullopt);
}

TEST_F(JournalOriginTest, TellsWhatTheLastOperationBroughtTheDeviceTo) {
  const auto journal = Open();
  EXPECT_EQ(journal->LastChangeOf("cpu3"), std::nullopt);
  Act(*journal, kOff, kDecision);
  Act(*journal, kOn, OperationOrigin::kPerson);
  const std::optional<LastChange> last = journal->LastChangeOf("cpu3");
  ASSERT_TRUE(last);
  EXPECT_EQ(last->state, kOn);
  EXPECT_EQ(last->origin, OperationOrigin::kPerson);
  Act(*journal, kOff, kDecision, 0, v1::OUTCOME_FAILED);
  EXPECT_EQ(journal->LastChangeOf("cpu3"), std::nullopt) << "it may be either";
}

TEST_F(JournalOriginTest, OutlivesTheAgent) {
  for (const auto origin : {kDecision, OperationOrigin::kDriver, OperationOrigin::kPerson}) {
    Act(*Open(), kOff, origin);
    EXPECT_EQ(Open()->TakenOfflineBy("cpu3"), origin);
  }
}

TEST_F(JournalOriginTest, TellsWhatIsAwayForTheSpecOrADriver) {
  const DeviceBefore movable = {.device = "memory3", .state = kOn, .zone = v1::MEMORY_ZONE_MOVABLE};
  {
    const auto journal = Open();
    EXPECT_THAT(journal->TakenOffline(), IsEmpty());
    Act(*journal, kOff, OperationOrigin::kPerson);
    EXPECT_THAT(journal->TakenOffline(), IsEmpty()) << "a person's is a person's";
    Act(*journal, kOn, OperationOrigin::kPerson);
    Act(*journal, kOff, kDecision);
    EXPECT_THAT(journal->TakenOffline(), ElementsAre(Online("cpu3")));
    Act(*journal, kOn, kDecision);
    EXPECT_THAT(journal->TakenOffline(), IsEmpty());
    Act(*journal, kOff, OperationOrigin::kDriver);
    Act(*journal, kOn, kDecision, 0, v1::OUTCOME_FAILED);
    EXPECT_THAT(journal->TakenOffline(), ElementsAre(Online("cpu3")));
    ASSERT_TRUE(journal->Begin(movable, kOff, 0, kDecision).ok());
  }
  EXPECT_THAT(Open()->TakenOffline(), ElementsAre(Online("cpu3"), movable)) << "it may be gone";
}

TEST_F(JournalOriginTest, WhatWasOfflineBeforeIsNotOurs) {
  const auto journal = Open();
  const DeviceBefore off = {.device = "cpu2", .state = kOff, .zone = {}};
  const auto id = journal->Begin(off, kOn, 0, kDecision);
  ASSERT_TRUE(journal->End(*id, DoneItem("cpu2", v1::OUTCOME_CHANGED)).ok());
  EXPECT_THAT(journal->SeenOnline(), ElementsAre("cpu2"));
  const auto back = journal->Begin(Online("cpu2"), kOff, 0, kDecision);
  ASSERT_TRUE(journal->End(*back, DoneItem("cpu2", v1::OUTCOME_REFUSED)).ok());
  EXPECT_THAT(journal->TakenOffline(), IsEmpty());
}

TEST_F(JournalOriginTest, AGroupThatIsPutBackHasNeverBeen) {
  const auto journal = Open();
  Act(*journal, kOff, OperationOrigin::kDriver);
  const uint64_t group = *journal->BeginGroup();
  Act(*journal, kOn, kDecision, group);
  Act(*journal, kOff, OperationOrigin::kUndo, group);
  EXPECT_EQ(journal->TakenOfflineBy("cpu3"), OperationOrigin::kDriver);
}

TEST_F(JournalOriginTest, ALineOfAnEarlierVersionIsADecision) {
  dir_.Write("journal", "boot\tboot-1\nbegin\t1\tcpu3\t2\t0\t1\t0\t0\nend\t1\t1\t\t0\t0\t\n");
  const auto journal = Open();
  ASSERT_THAT(journal->OperationsOf("cpu3", 1), SizeIs(1));
  EXPECT_EQ(journal->TakenOfflineBy("cpu3"), kDecision);
  dir_.Write("journal", "boot\tboot-1\nbegin\t1\tcpu3\t2\t0\t1\t0\t0\t9\n");
  EXPECT_THAT(Open()->unfinished(), IsEmpty()) << "nobody writes that";
}

// A driver parks and wakes as long as the host runs.
TEST_F(JournalOriginTest, WhatIsAwayIsKeptHoweverMuchComesAfterIt) {
  constexpr int kCount = 5'000;
  const DeviceBefore cpu2 = Online("cpu2");
  {
    const auto journal = Open();
    Do(*journal, "cpu3");
    Do(*journal, "cpu1");
    const DeviceBefore off = {.device = "cpu1", .state = kOff, .zone = {}};
    const auto back = journal->Begin(off, kOn, 0, kDecision);
    ASSERT_TRUE(journal->End(*back, DoneItem("cpu1", v1::OUTCOME_CHANGED)).ok());
    for (int i = 0; i < kCount; ++i) {
      const bool parks = i % 2 == 0;
      const DeviceBefore before = {.device = "cpu2", .state = parks ? kOn : kOff, .zone = {}};
      const auto id = journal->Begin(before, parks ? kOff : kOn, 0, OperationOrigin::kDriver);
      v1::ItemResult result = DoneItem("cpu2", v1::OUTCOME_CHANGED);
      // Of several lengths, so that some would fit where others don't.
      result.set_message(std::string(i % 700, 'm'));
      ASSERT_TRUE(journal->End(*id, result).ok());
    }
    EXPECT_THAT(journal->TakenOffline(), ElementsAre(Online("cpu3")));
    EXPECT_THAT(journal->OperationsOf("cpu2", kCount), SizeIs(::testing::Lt(2'100)));
    EXPECT_LE(dir_.Read("journal").size(), Journal::kMaxBytes);
  }
  const auto next = Open();
  EXPECT_THAT(next->TakenOffline(), ElementsAre(Online("cpu3")));
  EXPECT_EQ(next->last_operation(), 3U + kCount);
  Do(*next, "cpu2");
  EXPECT_THAT(next->TakenOfflineAfter(3U + kCount), ElementsAre(cpu2));
}

// It stays so where the lines of its coming back have no room.
TEST_F(JournalOriginTest, WhatHasComeBackIsNotAwayAfterTheFileWasShortened) {
  const std::string message(1000, 'm');
  {
    const auto journal = Open();
    const auto act = [&](const std::string& device, bool online, size_t length) {
      const DeviceBefore before = {.device = device, .state = online ? kOff : kOn, .zone = {}};
      const auto id = journal->Begin(before, online ? kOn : kOff, 0, OperationOrigin::kDriver);
      v1::ItemResult result = DoneItem(device, v1::OUTCOME_CHANGED);
      result.set_message(message.substr(0, length));
      ASSERT_TRUE(journal->End(*id, result).ok());
    };
    for (int i = 0; i < 2'000; ++i) {
      const std::string device = absl::StrCat("memory", i);
      act(device, false, 0);
      act(device, true, 1000);
    }
  }
  Open();
  EXPECT_THAT(Open()->TakenOffline(), IsEmpty());
}

// A group may be larger than the file should be: none of it may be forgotten while it is open.
TEST_F(JournalTest, AnOpenGroupIsKeptWhole) {
  constexpr int kCount = 12'000;
  const auto journal = Open();
  const uint64_t group = *journal->BeginGroup();
  for (int i = 0; i < kCount; ++i) {
    Do(*journal, absl::StrCat("memory", i), group, OperationOrigin::kPerson);
  }
  EXPECT_GT(dir_.Read("journal").size(), Journal::kMaxBytes);
  EXPECT_THAT(journal->TouchedBy(group), SizeIs(kCount));
  const auto next = Open();
  EXPECT_THAT(next->TouchedBy(group), SizeIs(kCount));
  ASSERT_TRUE(next->EndGroup(group).ok());
  Do(*next, "cpu3");
  EXPECT_LE((Open(), dir_.Read("journal").size()), Journal::kMaxBytes);
}

// A write that fits in part leaves nothing of itself, and once there is room all goes on.
TEST_F(JournalTest, AFullDiskIsAnErrorAndLeavesNoHalfLine) {
  const auto journal = Open();
  Do(*journal, "cpu3");
  {
    const FullDisk full(dir_.Path("journal"), /*room=*/9);
    const auto id = journal->Begin(Online("cpu2"), kOff, 0, OperationOrigin::kPerson);
    EXPECT_THAT(std::string(id.status().message()), HasSubstr("the operation was not begun"));
    EXPECT_EQ(ErrorReason(id.status()), "EFBIG");
    EXPECT_EQ(ErrorReason(journal->saved()), "EFBIG");
  }
  Do(*journal, "cpu1");
  const auto next = Open();
  EXPECT_THAT(next->unfinished(), IsEmpty());
  EXPECT_THAT(next->OperationsOf("cpu2", 10), IsEmpty());
  EXPECT_THAT(next->OperationsOf("cpu1", 10), SizeIs(1));
}

// Neither can be made anew beside the old one.
class JournalWithoutRoomTest : public JournalTest {
 protected:
  void TakeRoom() { std::filesystem::create_directory(dir_.Path("journal.new")); }
  void GiveRoom() { dir_.Remove("journal.new"); }
};

TEST_F(JournalWithoutRoomTest, WhatTheSpecSaysIsRememberedAndWrittenOnceThereIsRoom) {
  Do(*Open(), "cpu1");
  TakeRoom();
  const auto journal = Open();
  EXPECT_EQ(ErrorReason(journal->saved()), "EISDIR");
  EXPECT_THAT(journal->OperationsOf("cpu1", 10), SizeIs(1));
  const auto id = journal->Begin(Online("cpu3"), kOff, 0, kDecision);
  ASSERT_TRUE(id.ok()) << id.status();
  EXPECT_FALSE(journal->End(*id, DoneItem("cpu3", v1::OUTCOME_CHANGED)).ok());
  EXPECT_EQ(journal->TakenOfflineBy("cpu3"), kDecision);
  EXPECT_FALSE(journal->Save().ok());
  EXPECT_THAT(Open()->OperationsOf("cpu3", 10), IsEmpty()) << "the file is as it was";
  GiveRoom();
  ASSERT_TRUE(journal->Save().ok());
  EXPECT_TRUE(journal->saved().ok());
  EXPECT_THAT(Open()->OperationsOf("cpu3", 10), SizeIs(1));
  EXPECT_THAT(Open()->OperationsOf("cpu1", 10), SizeIs(1));
}

TEST_F(JournalWithoutRoomTest, NobodyElseBeginsAnything) {
  TakeRoom();
  const auto journal = Open();
  for (const auto origin : {OperationOrigin::kPerson, OperationOrigin::kDriver}) {
    EXPECT_EQ(ErrorReason(journal->Begin(Online("cpu3"), kOff, 0, origin).status()), "EISDIR");
  }
  EXPECT_EQ(ErrorReason(journal->BeginGroup().status()), "EISDIR");
  EXPECT_EQ(ErrorReason(journal->Begin(Online("cpu3"), kOn, 0, OperationOrigin::kPerson).status()),
            "EISDIR");
  EXPECT_THAT(journal->OperationsOf("cpu3", 10), IsEmpty());
  GiveRoom();
  EXPECT_TRUE(journal->Begin(Online("cpu3"), kOff, 0, OperationOrigin::kPerson).ok());
  EXPECT_TRUE(journal->saved().ok());
}

TEST_F(JournalWithoutRoomTest, ADriverMayGiveBackWhatItHasParked) {
  TakeRoom();
  const DeviceBefore parked = {.device = "cpu3", .state = kOff, .zone = {}};
  EXPECT_TRUE(Open()->Begin(parked, kOn, 0, OperationOrigin::kDriver).ok());
}

TEST_F(JournalTest, WhatIsNoFileIsAnErrorAndHangsNobody) {
  ASSERT_EQ(mkfifo(dir_.Path("journal").c_str(), 0600), 0);
  EXPECT_EQ(ErrorReason(Journal::Open(dir_.path(), "boot-1", clock_).status()), "NOT_A_FILE");
}

TEST_F(JournalTest, TellsWhatItFound) {
  EXPECT_EQ(Open()->found(), Journal::Found::kNothing);
  EXPECT_EQ(Open()->found(), Journal::Found::kThisBoot);
  EXPECT_EQ(Open("boot-2")->found(), Journal::Found::kOtherBoot);
  EXPECT_EQ(Open("boot-2")->found(), Journal::Found::kThisBoot);
}

// Messages travel as UTF-8, which half a character isn't.
TEST_F(JournalTest, ALongMessageIsCutBetweenCharacters) {
  v1::ItemResult failed = DoneItem("cpu3", v1::OUTCOME_FAILED);
  for (int i = 0; i < 1000; ++i) failed.mutable_message()->append("\u20ac");
  {
    const auto journal = Open();
    ASSERT_TRUE(journal->End(*journal->Begin(Online("cpu3"), kOff, 0, kDecision), failed).ok());
  }
  const auto records = Open()->OperationsOf("cpu3", 1);
  ASSERT_THAT(records, SizeIs(1));
  EXPECT_EQ(records[0].result().message(), failed.message().substr(0, 1023));
}

// A kill can tear the last line at any byte.
TEST_F(JournalTest, ATornLastLineIsNoLine) {
  {
    const auto journal = Open();
    Do(*journal, "cpu3");
    ASSERT_TRUE(journal->Begin(Online("cpu2"), kOff, 0, kDecision).ok());
  }
  const std::string whole = dir_.Read("journal");
  for (size_t length = 0; length < whole.size(); ++length) {
    dir_.Write("journal", whole.substr(0, length));
    const auto journal = Open();
    EXPECT_LE(journal->unfinished().size(), 1U) << length;
    Do(*journal, "cpu1");
    EXPECT_THAT(Open()->OperationsOf("cpu1", 10), SizeIs(1)) << length;
  }
}

// Torn, the end of group 12 reads as that of group 1.
TEST_F(JournalTest, ATornNumberIsNoNumber) {
  dir_.Write("journal", "boot\tboot-1\ngroup\t1\ngroup\t12\ngroup-end\t1");
  EXPECT_THAT(Open()->unfinished_groups(), ElementsAre(1, 12));
}

TEST_F(JournalTest, GarbageIsNoLine) {
  dir_.Write(
      "journal",
      "boot\tboot-1\nbegin\tx\ty\nend\t\t\t\t\t\t\n\xff\xfe\nbegin\t1\tcpu3\t9\t0\t9\t0\t0\n");
  const auto journal = Open();
  EXPECT_THAT(journal->unfinished(), IsEmpty());
  Do(*journal, "cpu3");
  EXPECT_THAT(Open()->OperationsOf("cpu3", 10), SizeIs(1));
}

TEST_F(JournalTest, StaysSmall) {
  const auto journal = Open();
  for (int i = 0; i < 20'000; ++i) Do(*journal, "container/PNP0A06:00");
  EXPECT_LE(dir_.Read("journal").size(), Journal::kMaxBytes);
  EXPECT_THAT(Open()->OperationsOf("container/PNP0A06:00", 10), SizeIs(10));
}

TEST_F(JournalTest, ADirectoryThatCannotBeMadeIsNamed) {
  dir_.Write("file", "");
  const auto journal = Journal::Open(dir_.Path("file"), "boot-1", clock_);
  EXPECT_THAT(std::string(journal.status().message()), HasSubstr("file/journal"));
}

}  // namespace
}  // namespace hotplugger::agent
