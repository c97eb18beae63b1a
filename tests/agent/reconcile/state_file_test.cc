#include "agent/reconcile/state_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <filesystem>

#include "common/error_info.h"
#include "tests/fakes/temp_dir.h"

namespace hotplugger::agent {
namespace {

using testing::TempDir;

v1::AgentState StateWithEpoch(uint64_t epoch) {
  v1::AgentState state;
  state.set_largest_epoch(epoch);
  return state;
}

TEST(StateFileTest, BeginsEmptyAndRemembers) {
  TempDir dir;
  {
    auto file = *StateFile::Open(dir.Path("new/folder"));
    EXPECT_EQ(file->Load()->ByteSizeLong(), 0U);
    ASSERT_TRUE(file->Save(StateWithEpoch(7)).ok());
  }
  EXPECT_EQ((*StateFile::Open(dir.Path("new/folder")))->Load()->largest_epoch(), 7U);
}

TEST(StateFileTest, OneAgentADirectory) {
  TempDir dir;
  const auto first = StateFile::Open(dir.path());
  const auto second = StateFile::Open(dir.path());
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(ErrorReason(second.status()), "STATE_DIR_IN_USE");
}

// Every way in which a file can be cut or changed must be noticed, and the file kept.
TEST(StateFileTest, DamageIsFoundAndSetAside) {
  TempDir dir;
  auto file = *StateFile::Open(dir.path());
  ASSERT_TRUE(file->Save(StateWithEpoch(7)).ok());
  const std::string good = dir.Read("state");
  for (size_t i = 0; i < good.size(); ++i) {
    std::string flipped = good;
    flipped[i] = static_cast<char>(flipped[i] ^ 1);
    for (const std::string& bad : {flipped, good.substr(0, i)}) {
      dir.Write("state", bad);
      EXPECT_EQ(ErrorReason(file->Load().status()), "STATE_DAMAGED") << i;
      EXPECT_EQ(dir.Read("state.damaged"), bad);
      EXPECT_EQ(file->Load()->ByteSizeLong(), 0U);
    }
  }
}

TEST(StateFileTest, ALeftoverOfAnInterruptedSaveIsIgnored) {
  TempDir dir;
  auto file = *StateFile::Open(dir.path());
  ASSERT_TRUE(file->Save(StateWithEpoch(7)).ok());
  dir.Write("state.new", "half a fi");
  EXPECT_EQ(file->Load()->largest_epoch(), 7U);
  EXPECT_TRUE(file->Save(StateWithEpoch(8)).ok());
  EXPECT_EQ(file->Load()->largest_epoch(), 8U);
}

// As on a full disk: a file can't grow past the limit.
TEST(StateFileTest, AFullDiskLosesNothing) {
  TempDir dir;
  auto file = *StateFile::Open(dir.path());
  ASSERT_TRUE(file->Save(StateWithEpoch(7)).ok());
  rlimit before = {};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto old_handler = signal(SIGXFSZ, SIG_IGN);
  const rlimit none = {.rlim_cur = 10, .rlim_max = before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &none), 0);
  const absl::Status saved = file->Save(StateWithEpoch(8));
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  signal(SIGXFSZ, old_handler);
  EXPECT_EQ(ErrorReason(saved), "EFBIG");
  EXPECT_EQ(file->Load()->largest_epoch(), 7U);
}

}  // namespace
}  // namespace hotplugger::agent
