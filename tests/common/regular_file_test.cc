#include "common/regular_file.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "common/error_info.h"
#include "tests/fakes/temp_dir.h"

namespace hotplugger {
namespace {

using ::testing::HasSubstr;

absl::StatusOr<std::optional<std::string>> Read(const testing::TempDir& dir, size_t max = 100) {
  return ReadRegularFile(AT_FDCWD, dir.Path("file"), dir.Path("file"), max);
}

TEST(RegularFileTest, IsReadWhole) {
  testing::TempDir dir;
  EXPECT_EQ(*Read(dir), std::nullopt);
  dir.Write("file", "");
  EXPECT_EQ(*Read(dir), "");
  const std::string content(100'000, 'x');
  dir.Write("file", content);
  EXPECT_EQ(*Read(dir, content.size()), content);
}

TEST(RegularFileTest, OneThatIsTooLargeIsNot) {
  testing::TempDir dir;
  dir.Write("file", std::string(101, 'x'));
  EXPECT_EQ(ErrorReason(Read(dir).status()), "FILE_TOO_LARGE");
}

// Opened as a file is, a FIFO would wait for ever.
TEST(RegularFileTest, WhatIsNoFileIsAClearError) {
  testing::TempDir dir;
  ASSERT_EQ(mkfifo(dir.Path("file").c_str(), 0600), 0);
  EXPECT_EQ(ErrorReason(Read(dir).status()), "NOT_A_FILE");
  ASSERT_EQ(unlink(dir.Path("file").c_str()), 0);
  ASSERT_EQ(mkdir(dir.Path("file").c_str(), 0700), 0);
  EXPECT_EQ(ErrorReason(Read(dir).status()), "NOT_A_FILE");
  EXPECT_THAT(std::string(Read(dir).status().message()), HasSubstr(dir.Path("file")));
  ASSERT_EQ(rmdir(dir.Path("file").c_str()), 0);
  ASSERT_EQ(symlink("/dev/zero", dir.Path("file").c_str()), 0);
  EXPECT_EQ(ErrorReason(Read(dir).status()), "NOT_A_FILE");
}

}  // namespace
}  // namespace hotplugger
