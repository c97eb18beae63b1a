#include "agent/devices/cpu.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/fakes/fake_host.h"

namespace hotplugger::agent {
namespace {

using testing::FakeHost;
using ::testing::HasSubstr;

std::unique_ptr<Sysfs> Open(const FakeHost& host) {
  return *Sysfs::Open(host.root(), Sysfs::Kind::kAnyDirectory);
}

TEST(CpuTest, ReadsMasksAndFiles) {
  FakeHost host(4);
  host.SwitchBehindOurBack(2, false);
  const CpuInventory cpus = *ReadCpus(*Open(host));
  EXPECT_EQ(PresentCpus(cpus), (CpuSet{0, 1, 2, 3}));
  EXPECT_EQ(OnlineCpus(cpus), (CpuSet{0, 1, 3}));
  EXPECT_FALSE(cpus.at(0).hotpluggable);
  EXPECT_TRUE(cpus.at(2).hotpluggable);
}

// hotplug/target leaves cpuN/online stale (kernel 0, fact 6): the mask is the truth.
TEST(CpuTest, TheMaskDecides) {
  FakeHost host(2);
  host.dir().Write("devices/system/cpu/online", "0\n");
  const auto sysfs = Open(host);
  EXPECT_EQ(OnlineCpus(*ReadCpus(*sysfs)), CpuSet{0});
  EXPECT_TRUE(*ReadCpuOnlineFile(*sysfs, 1));
}

TEST(CpuTest, GarbageFromTheKernelNamesTheFile) {
  FakeHost host(2);
  host.dir().Write("devices/system/cpu/present", "banana\n");
  const absl::Status status = ReadCpus(*Open(host)).status();
  EXPECT_THAT(std::string(status.message()), HasSubstr("cpu/present"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("banana"));
}

TEST(CpuTest, OnlineFileWithAnotherWordIsAnError) {
  FakeHost host(2);
  host.dir().Write("devices/system/cpu/cpu1/online", "2\n");
  EXPECT_FALSE(ReadCpuOnlineFile(*Open(host), 1).ok());
}

}  // namespace
}  // namespace hotplugger::agent
