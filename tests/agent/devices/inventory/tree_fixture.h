#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>

#include "agent/devices/inventory/file_tree.h"
#include "common/error_info.h"
#include "tests/fakes/temp_dir.h"

namespace hotplugger::testing {

// A temp directory that stands for a host's root, open as a tree.
class TreeTest : public ::testing::Test {
 protected:
  void Link(const std::string& path, const std::string& target) {
    const std::filesystem::path link(dir_.Path(path));
    std::filesystem::create_directories(link.parent_path());
    std::filesystem::create_symlink(target, link);
  }

  // Fails unless `status` is the error for a file with garbage in it, and names the file and the
  // value.
  void ExpectBadAnswer(const absl::Status& status, const std::string& path,
                       const std::string& value) {
    EXPECT_EQ(ErrorReason(status), "BAD_KERNEL_ANSWER") << status;
    EXPECT_THAT(std::string(status.message()), ::testing::HasSubstr(dir_.Path(path)));
    EXPECT_THAT(std::string(status.message()), ::testing::HasSubstr(value));
  }

  TempDir dir_;
  const std::unique_ptr<agent::FileTree> tree_ = *agent::FileTree::Open(dir_.path());
};

}  // namespace hotplugger::testing
