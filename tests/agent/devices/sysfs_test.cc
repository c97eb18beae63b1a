#include "agent/devices/sysfs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "common/error_info.h"
#include "tests/fakes/temp_dir.h"

namespace hotplugger::agent {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::TempDir;

class SysfsTest : public ::testing::Test {
 protected:
  SysfsTest() {
    dir_.Write("tree/a/file", "value\n");
    dir_.Write("outside", "secret");
    sysfs_ = *Sysfs::Open(dir_.Path("tree"), Sysfs::Kind::kAnyDirectory);
  }

  TempDir dir_;
  std::unique_ptr<Sysfs> sysfs_;
};

TEST_F(SysfsTest, ReadsAFileWhole) { EXPECT_EQ(*sysfs_->Read("a/file"), "value\n"); }

TEST_F(SysfsTest, ListsSorted) {
  dir_.Write("tree/b", "");
  EXPECT_THAT(*sysfs_->List("."), ElementsAre("a", "b"));
}

TEST_F(SysfsTest, TellsWhatIsThere) {
  EXPECT_TRUE(*sysfs_->Exists("a/file"));
  EXPECT_FALSE(*sysfs_->Exists("a/none"));
  EXPECT_FALSE(*sysfs_->Exists("a/file/below"));
}

TEST_F(SysfsTest, MissingFileNamesThePath) {
  const absl::Status status = sysfs_->Read("a/none").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()), HasSubstr("tree/a/none"));
}

TEST_F(SysfsTest, PathsCannotLeaveTheRoot) {
  std::filesystem::create_symlink(dir_.Path("outside"), dir_.Path("tree/absolute"));
  std::filesystem::create_symlink("../outside", dir_.Path("tree/upwards"));
  for (const char* path : {"../outside", "absolute", "upwards", "a/../../outside"}) {
    EXPECT_FALSE(sysfs_->Read(path).ok()) << path;
  }
}

TEST_F(SysfsTest, LinksInsideAreFollowed) {
  std::filesystem::create_symlink("a/file", dir_.Path("tree/link"));
  EXPECT_EQ(*sysfs_->Read("link"), "value\n");
}

TEST_F(SysfsTest, RefusesWhatIsTooLong) {
  dir_.Write("tree/long", std::string(70 * 1024, 'x'));
  EXPECT_EQ(ErrorReason(sysfs_->Read("long").status()), "EFBIG");
}

TEST_F(SysfsTest, ADirectoryIsNoSysfs) {
  const auto opened = Sysfs::Open(dir_.path(), Sysfs::Kind::kRealSysfs);
  EXPECT_EQ(ErrorReason(opened.status()), "NOT_SYSFS");
}

}  // namespace
}  // namespace hotplugger::agent
