#include "agent/writer/write_server.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "tests/fakes/temp_dir.h"

namespace hotplugger::agent {
namespace {

using testing::TempDir;

class WriteServerTest : public ::testing::Test {
 protected:
  WriteServerTest() {
    dir_.Write("root/devices/system/cpu/cpu1/online", "");
    dir_.Write("root/kernel/hotplugger/enable_driver", "");
    dir_.Write("root/kernel/hotplugger/disable_driver", "");
    root_ = open(dir_.Path("root").c_str(), O_PATH | O_DIRECTORY);
  }
  ~WriteServerTest() override { close(root_); }

  static WriteRequest Cpu(int cpu, uint32_t value) {
    WriteRequest request = {};
    request.act = WriteAct::kCpuOnline;
    request.cpu = cpu;
    request.value = value;
    return request;
  }

  static WriteRequest Driver(const std::string& name, uint32_t value) {
    WriteRequest request = {};
    request.act = WriteAct::kKernelDriver;
    request.value = value;
    memcpy(request.driver, name.data(), std::min(name.size(), sizeof request.driver));
    return request;
  }

  TempDir dir_;
  int root_;
};

TEST_F(WriteServerTest, WritesExactlyZeroOrOne) {
  EXPECT_EQ(CarryOut(root_, Cpu(1, 0)), 0);
  EXPECT_EQ(dir_.Read("root/devices/system/cpu/cpu1/online"), "0\n");
  EXPECT_EQ(CarryOut(root_, Cpu(1, 1)), 0);
  EXPECT_EQ(dir_.Read("root/devices/system/cpu/cpu1/online"), "1\n");
}

TEST_F(WriteServerTest, WritesDriverNames) {
  EXPECT_EQ(CarryOut(root_, Driver("alucard", 1)), 0);
  EXPECT_EQ(CarryOut(root_, Driver("thermal", 0)), 0);
  EXPECT_EQ(dir_.Read("root/kernel/hotplugger/enable_driver"), "alucard");
  EXPECT_EQ(dir_.Read("root/kernel/hotplugger/disable_driver"), "thermal");
}

TEST_F(WriteServerTest, AnswersTheErrno) { EXPECT_EQ(CarryOut(root_, Cpu(2, 0)), ENOENT); }

TEST_F(WriteServerTest, NeverMakesAFile) {
  CarryOut(root_, Cpu(2, 0));
  EXPECT_FALSE(std::filesystem::exists(dir_.Path("root/devices/system/cpu/cpu2")));
}

TEST_F(WriteServerTest, RefusesWhatIsNoRequest) {
  EXPECT_EQ(CarryOut(root_, Cpu(-1, 0)), EINVAL);
  EXPECT_EQ(CarryOut(root_, Cpu(8192, 0)), EINVAL);
  EXPECT_EQ(CarryOut(root_, Cpu(1, 2)), EINVAL);
  EXPECT_EQ(CarryOut(root_, Driver("", 1)), EINVAL);
  EXPECT_EQ(CarryOut(root_, Driver("a b", 1)), EINVAL);
  EXPECT_EQ(CarryOut(root_, Driver(std::string(32, 'x'), 1)), EINVAL);
  WriteRequest unknown = Cpu(1, 0);
  unknown.act = static_cast<WriteAct>(99);
  EXPECT_EQ(CarryOut(root_, unknown), EINVAL);
}

TEST_F(WriteServerTest, DoesNotFollowALinkOut) {
  dir_.Write("victim", "untouched");
  std::filesystem::create_directories(dir_.Path("root/devices/system/cpu/cpu3"));
  std::filesystem::create_symlink(dir_.Path("victim"),
                                  dir_.Path("root/devices/system/cpu/cpu3/online"));
  EXPECT_EQ(CarryOut(root_, Cpu(3, 0)), EXDEV);
  EXPECT_EQ(dir_.Read("victim"), "untouched");
}

}  // namespace
}  // namespace hotplugger::agent
