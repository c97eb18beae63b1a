#include "agent/reconcile/state_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <filesystem>

#include "common/error_info.h"
#include "tests/fakes/temp_dir.h"

namespace hotplugger::agent {
namespace {

using ::testing::HasSubstr;
using testing::TempDir;
using From = StateStore::Loaded::From;

v1::AgentState StateWithEpoch(uint64_t epoch) {
  v1::AgentState state;
  state.set_largest_epoch(epoch);
  return state;
}

class StateFileTest : public ::testing::Test {
 protected:
  std::unique_ptr<StateFile> Open() { return *StateFile::Open(dir_.path()); }

  static void Save(StateFile& file, uint64_t epoch) {
    ASSERT_TRUE(file.Save(StateWithEpoch(epoch)).ok());
  }

  static StateStore::Loaded Load(StateFile& file) {
    const auto loaded = file.Load();
    EXPECT_TRUE(loaded.ok()) << loaded.status();
    return loaded.value_or(StateStore::Loaded());
  }

  TempDir dir_;
};

TEST_F(StateFileTest, BeginsEmptyAndRemembers) {
  {
    auto file = *StateFile::Open(dir_.Path("new/folder"));
    const auto loaded = Load(*file);
    EXPECT_EQ(loaded.state.ByteSizeLong(), 0U);
    EXPECT_EQ(loaded.from, From::kNowhere);
    EXPECT_TRUE(loaded.damage.ok()) << loaded.damage;
    Save(*file, 7);
  }
  auto file = *StateFile::Open(dir_.Path("new/folder"));
  EXPECT_EQ(Load(*file).state.largest_epoch(), 7U);
  EXPECT_EQ(Load(*file).from, From::kLatest);
}

TEST_F(StateFileTest, OneAgentADirectory) {
  const auto first = StateFile::Open(dir_.path());
  const auto second = StateFile::Open(dir_.path());
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(ErrorReason(second.status()), "STATE_DIR_IN_USE");
}

// Else one that found no room for a file of its own would not be seen by one that did.
TEST_F(StateFileTest, OneAgentADirectoryWhateverCanBeMadeThere) {
  std::filesystem::create_symlink("nowhere/lock", dir_.Path("lock"));
  const auto first = StateFile::Open(dir_.path());
  ASSERT_TRUE(first.ok()) << first.status();
  dir_.Remove("lock");
  EXPECT_EQ(ErrorReason(StateFile::Open(dir_.path()).status()), "STATE_DIR_IN_USE");
  EXPECT_TRUE(std::filesystem::is_empty(dir_.path()));
}

// Every way in which a file can be cut or changed must be noticed, and the file kept.
TEST_F(StateFileTest, DamageIsFoundAndSetAside) {
  auto file = Open();
  Save(*file, 7);
  const std::string good = dir_.Read("state");
  for (size_t i = 0; i < good.size(); ++i) {
    std::string flipped = good;
    flipped[i] = static_cast<char>(flipped[i] ^ 1);
    for (const std::string& bad : {flipped, good.substr(0, i)}) {
      dir_.Write("state", bad);
      const auto loaded = Load(*file);
      EXPECT_EQ(ErrorReason(loaded.damage), "STATE_DAMAGED") << i;
      EXPECT_EQ(loaded.from, From::kNowhere);
      EXPECT_EQ(loaded.state.ByteSizeLong(), 0U);
      EXPECT_EQ(dir_.Read("state.damaged"), bad);
      EXPECT_FALSE(std::filesystem::exists(dir_.Path("state")));
    }
  }
}

TEST_F(StateFileTest, TheOneBeforeADamagedOneIsTakenUntilThereIsANewOne) {
  auto file = Open();
  for (const uint64_t epoch : {6, 7, 8}) Save(*file, epoch);
  dir_.Write("state", "rot");
  for (int starts = 0; starts < 2; ++starts) {
    const auto loaded = Load(*file);
    EXPECT_EQ(loaded.from, From::kPrevious);
    EXPECT_EQ(loaded.state.largest_epoch(), 7U);
    EXPECT_FALSE(loaded.damage.ok());
  }
  EXPECT_EQ(dir_.Read("state.damaged"), "rot");
  Save(*file, 9);
  EXPECT_EQ(Load(*file).state.largest_epoch(), 9U);
  dir_.Remove("state");
  const auto loaded = Load(*file);
  EXPECT_EQ(loaded.state.largest_epoch(), 7U);
  EXPECT_EQ(ErrorReason(loaded.damage), "STATE_MISSING");
}

TEST_F(StateFileTest, ADamagedOneThatCannotBeSetAsideDoesNotTakeThePlaceOfTheOneBefore) {
  auto file = Open();
  for (const uint64_t epoch : {7, 8}) Save(*file, epoch);
  dir_.Write("state", "rot");
  dir_.Write("state.damaged/in/its/way", "");
  EXPECT_THAT(std::string(Load(*file).damage.message()), HasSubstr("can't be set aside"));
  Save(*file, 9);
  dir_.Remove("state");
  EXPECT_EQ(Load(*file).state.largest_epoch(), 7U);
}

TEST_F(StateFileTest, BothDamagedIsSaidOfBoth) {
  auto file = Open();
  for (const uint64_t epoch : {7, 8}) Save(*file, epoch);
  dir_.Write("state", "rot");
  dir_.Write("state.previous", "rot");
  const auto loaded = Load(*file);
  EXPECT_EQ(loaded.from, From::kNowhere);
  EXPECT_THAT(std::string(loaded.damage.message()),
              ::testing::AllOf(HasSubstr("state is damaged"), HasSubstr("state.previous is")));
  Save(*file, 9);
  EXPECT_EQ(Load(*file).state.largest_epoch(), 9U);
}

TEST_F(StateFileTest, WhatIsNoFileIsAClearErrorAndHangsNobody) {
  auto file = Open();
  ASSERT_EQ(mkfifo(dir_.Path("state").c_str(), 0600), 0);
  EXPECT_EQ(ErrorReason(file->Load().status()), "NOT_A_FILE");
  dir_.Remove("state");
  std::filesystem::create_directory(dir_.Path("state"));
  const absl::Status directory = file->Load().status();
  EXPECT_EQ(ErrorReason(directory), "NOT_A_FILE");
  EXPECT_THAT(std::string(directory.message()), HasSubstr(dir_.Path("state")));
}

// It may be so for a moment, or for this user alone. (Of a link that leads to itself nothing can be
// read, whoever asks.)
TEST_F(StateFileTest, WhatCannotBeReadForAnotherReasonIsAnErrorAndNothingIsMoved) {
  auto file = Open();
  for (const uint64_t epoch : {7, 8}) Save(*file, epoch);
  dir_.Remove("state");
  std::filesystem::create_symlink("state", dir_.Path("state"));
  const absl::Status latest = file->Load().status();
  EXPECT_EQ(ErrorReason(latest), "ELOOP");
  EXPECT_THAT(std::string(latest.message()), HasSubstr("does not start"));
  EXPECT_TRUE(std::filesystem::is_symlink(dir_.Path("state")));
  dir_.Remove("state");
  dir_.Write("state", "rot");
  dir_.Remove("state.previous");
  std::filesystem::create_symlink("state.previous", dir_.Path("state.previous"));
  EXPECT_EQ(ErrorReason(file->Load().status()), "ELOOP");
  EXPECT_EQ(dir_.Read("state"), "rot") << "the next start finds all as it was";
  EXPECT_FALSE(std::filesystem::exists(dir_.Path("state.damaged")));
}

TEST_F(StateFileTest, ADiskThatCannotReadItIsDamage) {
  auto file = Open();
  for (const uint64_t epoch : {7, 8}) Save(*file, epoch);
  dir_.Remove("state");
  // Nothing is there to read.
  std::filesystem::create_symlink("/proc/self/mem", dir_.Path("state"));
  const auto loaded = Load(*file);
  EXPECT_EQ(loaded.from, From::kPrevious);
  EXPECT_THAT(std::string(loaded.damage.message()), HasSubstr("EIO"));
  EXPECT_TRUE(std::filesystem::is_symlink(dir_.Path("state.damaged")));
}

TEST_F(StateFileTest, OneThatIsTooLargeIsDamagedAndNeverWritten) {
  auto file = Open();
  Save(*file, 7);
  v1::AgentState large;
  large.set_spec_body(std::string(StateFile::kMaxBytes, 'x'));
  EXPECT_EQ(ErrorReason(file->Save(large)), "STATE_TOO_LARGE");
  EXPECT_EQ(Load(*file).state.largest_epoch(), 7U);
  std::filesystem::resize_file(dir_.Path("state"), StateFile::kMaxBytes + 1);
  EXPECT_EQ(ErrorReason(Load(*file).damage), "STATE_DAMAGED");
}

TEST_F(StateFileTest, ALeftoverOfAnInterruptedSaveIsIgnored) {
  auto file = Open();
  Save(*file, 7);
  dir_.Write("state.new", "half a fi");
  EXPECT_EQ(Load(*file).state.largest_epoch(), 7U);
  Save(*file, 8);
  EXPECT_EQ(Load(*file).state.largest_epoch(), 8U);
}

// As on a full disk: a file can't grow past the limit.
TEST_F(StateFileTest, AFullDiskLosesNothing) {
  auto file = Open();
  Save(*file, 7);
  rlimit before = {};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto old_handler = signal(SIGXFSZ, SIG_IGN);
  const rlimit none = {.rlim_cur = 10, .rlim_max = before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &none), 0);
  const absl::Status saved = file->Save(StateWithEpoch(8));
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  signal(SIGXFSZ, old_handler);
  EXPECT_EQ(ErrorReason(saved), "EFBIG");
  EXPECT_EQ(Load(*file).state.largest_epoch(), 7U);
  EXPECT_FALSE(std::filesystem::exists(dir_.Path("state.new"))) << "it takes room";
}

}  // namespace
}  // namespace hotplugger::agent
