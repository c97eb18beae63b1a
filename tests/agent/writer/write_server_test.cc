#include "agent/writer/write_server.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "tests/fakes/temp_dir.h"

namespace hotplugger::agent {
namespace {

using testing::TempDir;

class WriteServerTest : public ::testing::Test {
 protected:
  WriteServerTest() {
    dir_.Write("root/sys/devices/system/cpu/cpu1/online", "");
    dir_.Write("root/sys/kernel/hotplugger/enable_driver", "");
    dir_.Write("root/sys/kernel/hotplugger/disable_driver", "");
    root_ = open(dir_.Path("root").c_str(), O_PATH | O_DIRECTORY);
  }
  ~WriteServerTest() override { close(root_); }

  static WriteRequest Cpu(int cpu, uint32_t value) {
    WriteRequest request = {};
    request.act = WriteAct::kCpuOnline;
    request.number = cpu;
    request.value = value;
    return request;
  }

  static WriteRequest Driver(const std::string& name, uint32_t value) {
    WriteRequest request = {};
    request.act = WriteAct::kKernelDriver;
    request.value = value;
    memcpy(request.name, name.data(), std::min(name.size(), sizeof request.name));
    return request;
  }

  TempDir dir_;
  int root_;
};

TEST_F(WriteServerTest, WritesExactlyZeroOrOne) {
  EXPECT_EQ(CarryOut({.root = root_}, Cpu(1, 0)), 0);
  EXPECT_EQ(dir_.Read("root/sys/devices/system/cpu/cpu1/online"), "0\n");
  EXPECT_EQ(CarryOut({.root = root_}, Cpu(1, 1)), 0);
  EXPECT_EQ(dir_.Read("root/sys/devices/system/cpu/cpu1/online"), "1\n");
}

TEST_F(WriteServerTest, WritesDriverNames) {
  EXPECT_EQ(CarryOut({.root = root_}, Driver("alucard", 1)), 0);
  EXPECT_EQ(CarryOut({.root = root_}, Driver("thermal", 0)), 0);
  EXPECT_EQ(dir_.Read("root/sys/kernel/hotplugger/enable_driver"), "alucard");
  EXPECT_EQ(dir_.Read("root/sys/kernel/hotplugger/disable_driver"), "thermal");
}

TEST_F(WriteServerTest, AnswersTheErrno) {
  EXPECT_EQ(CarryOut({.root = root_}, Cpu(2, 0)), ENOENT);
}

TEST_F(WriteServerTest, NeverMakesAFile) {
  CarryOut({.root = root_}, Cpu(2, 0));
  EXPECT_FALSE(std::filesystem::exists(dir_.Path("root/sys/devices/system/cpu/cpu2")));
}

TEST_F(WriteServerTest, RefusesWhatIsNoRequest) {
  EXPECT_EQ(CarryOut({.root = root_}, Cpu(-1, 0)), EINVAL);
  EXPECT_EQ(CarryOut({.root = root_}, Cpu(8192, 0)), EINVAL);
  EXPECT_EQ(CarryOut({.root = root_}, Cpu(1, 2)), EINVAL);
  EXPECT_EQ(CarryOut({.root = root_}, Driver("", 1)), EINVAL);
  EXPECT_EQ(CarryOut({.root = root_}, Driver("a b", 1)), EINVAL);
  EXPECT_EQ(CarryOut({.root = root_}, Driver(std::string(32, 'x'), 1)), EINVAL);
  WriteRequest unknown = Cpu(1, 0);
  unknown.act = static_cast<WriteAct>(99);
  EXPECT_EQ(CarryOut({.root = root_}, unknown), EINVAL);
}

WriteRequest Act(WriteAct act, int number, uint32_t value) {
  WriteRequest request = {};
  request.act = act;
  request.number = number;
  request.value = value;
  return request;
}

WriteRequest Device(const std::string& bus, const std::string& name) {
  WriteRequest request = Act(WriteAct::kDeviceOnline, 0, 0);
  memcpy(request.bus, bus.data(), std::min(bus.size(), sizeof request.bus));
  memcpy(request.name, name.data(), std::min(name.size(), sizeof request.name));
  return request;
}

TEST_F(WriteServerTest, RefusesWordsAndNumbersThatAreNone) {
  EXPECT_EQ(CarryOut({.root = root_}, Act(WriteAct::kMemoryState, -1, 0)), EINVAL);
  EXPECT_EQ(CarryOut({.root = root_}, Act(WriteAct::kMemoryState, 32, 4)), EINVAL);
  EXPECT_EQ(CarryOut({.root = root_}, Act(WriteAct::kSmtControl, 0, 4)), EINVAL);
  EXPECT_EQ(CarryOut({.root = root_}, Act(WriteAct::kSmtControl, 0, 3)), EINVAL);  // no threads
}

TEST_F(WriteServerTest, RefusesNamesThatWouldBePaths) {
  dir_.Write("root/sys/bus/container/devices/here/online", "1\n");
  EXPECT_EQ(CarryOut({.root = root_}, Device("container", "here")), 0);
  for (const auto& [bus, name] :
       std::vector<std::pair<std::string, std::string>>{{"container", ".."},
                                                        {"container", "."},
                                                        {"container", ""},
                                                        {"container", "../../cpu"},
                                                        {"..", "here"},
                                                        {"", "here"},
                                                        {"a/b", "here"},
                                                        {"container", "a b"},
                                                        {"container", std::string(72, 'x')},
                                                        {std::string(40, 'x'), "here"}}) {
    EXPECT_EQ(CarryOut({.root = root_}, Device(bus, name)), EINVAL) << bus << " " << name;
  }
}

WriteRequest Knob(const std::string& path, const std::string& text) {
  WriteRequest request = {};
  request.act = WriteAct::kKnob;
  memcpy(request.path, path.data(), std::min(path.size(), sizeof request.path));
  memcpy(request.text, text.data(), std::min(text.size(), sizeof request.text));
  return request;
}

TEST_F(WriteServerTest, WritesKnobsThatAPatternMatchesAndNoOthers) {
  dir_.Write("root/sys/module/a/enabled", "0\n");
  dir_.Write("root/sys/module/.hidden/enabled", "0\n");
  dir_.Write("root/proc/hps/enabled", "0\n");
  const char* const knobs[] = {"sys/module/*/enabled", "proc/hps/enabled", nullptr};
  const WriteScope scope{.root = root_, .knobs = knobs};
  EXPECT_EQ(CarryOut(scope, Knob("sys/module/a/enabled", "Y")), 0);
  EXPECT_EQ(dir_.Read("root/sys/module/a/enabled"), "Y\n");
  EXPECT_EQ(CarryOut(scope, Knob("proc/hps/enabled", "1")), 0);
  for (const char* path : {"sys/module/a/b/enabled", "sys/module/.hidden/enabled",
                           "sys/devices/system/cpu/cpu1/online", "proc/hps/enable"}) {
    EXPECT_EQ(CarryOut(scope, Knob(path, "1")), EACCES) << path;
  }
  EXPECT_EQ(CarryOut({.root = root_}, Knob("sys/module/a/enabled", "1")), EACCES);
}

TEST_F(WriteServerTest, RefusesKnobsElsewhereWhateverThePatterns) {
  dir_.Write("root/etc/passwd", "untouched");
  const char* const knobs[] = {"*", "*/*", "sys/*/*/*", "etc/passwd", nullptr};
  const WriteScope scope{.root = root_, .knobs = knobs};
  for (const std::string& path :
       {std::string("etc/passwd"), std::string("sys/../etc/passwd"), std::string("sys//passwd"),
        std::string("sys/./a"), std::string("/sys/a"), std::string(""), std::string("sysfs/a"),
        std::string(192, 's')}) {
    EXPECT_EQ(CarryOut(scope, Knob(path, "1")), EINVAL) << path;
  }
  EXPECT_EQ(CarryOut(scope, Knob("sys/a/b", "")), EINVAL);
  EXPECT_EQ(CarryOut(scope, Knob("sys/a/b", std::string(64, '1'))), EINVAL);
  EXPECT_EQ(dir_.Read("root/etc/passwd"), "untouched");
}

TEST_F(WriteServerTest, DoesNotFollowALinkOut) {
  dir_.Write("victim", "untouched");
  std::filesystem::create_directories(dir_.Path("root/sys/devices/system/cpu/cpu3"));
  std::filesystem::create_symlink(dir_.Path("victim"),
                                  dir_.Path("root/sys/devices/system/cpu/cpu3/online"));
  EXPECT_EQ(CarryOut({.root = root_}, Cpu(3, 0)), EXDEV);
  EXPECT_EQ(dir_.Read("victim"), "untouched");
}

}  // namespace
}  // namespace hotplugger::agent
