#include "agent/devices/inventory/cpu.h"

#include "tests/agent/devices/inventory/tree_fixture.h"

namespace hotplugger::agent {
namespace {

class CpuTest : public testing::TreeTest {
 protected:
  CpuTest() {
    Cpu("present", "0-3\n");
    Cpu("online", "0-1,3\n");
  }

  void Cpu(const std::string& name, const std::string& content) {
    dir_.Write("sys/devices/system/cpu/" + name, content);
  }
};

TEST_F(CpuTest, ReadsMasks) {
  Cpu("possible", "0-7\n");
  Cpu("isolated", "2-3\n");
  Cpu("nohz_full", "3\n");
  const CpuMasks masks = *ReadCpuMasks(*tree_);
  EXPECT_EQ(masks.possible, (CpuSet{0, 1, 2, 3, 4, 5, 6, 7}));
  EXPECT_EQ(masks.present, (CpuSet{0, 1, 2, 3}));
  EXPECT_EQ(masks.online, (CpuSet{0, 1, 3}));
  EXPECT_EQ(masks.isolated, (CpuSet{2, 3}));
  EXPECT_EQ(masks.nohz_full, CpuSet{3});
  EXPECT_EQ(*ReadOnlineCpus(*tree_), masks.online);
}

TEST_F(CpuTest, SomeMasksMayBeMissingOrEmpty) {
  EXPECT_EQ(ReadCpuMasks(*tree_)->nohz_full, CpuSet());
  Cpu("nohz_full", "  (null)\n");
  Cpu("isolated", "\n");
  const CpuMasks masks = *ReadCpuMasks(*tree_);
  EXPECT_EQ(masks.nohz_full, CpuSet());
  EXPECT_EQ(masks.isolated, CpuSet());
}

TEST_F(CpuTest, OthersMustBeThere) {
  for (const char* name : {"present", "online"}) {
    dir_.Remove(std::string("sys/devices/system/cpu/") + name);
    EXPECT_EQ(ReadCpuMasks(*tree_).status().code(), absl::StatusCode::kNotFound) << name;
    Cpu(name, "\n");
    EXPECT_EQ(ErrorReason(ReadCpuMasks(*tree_).status()), "BAD_KERNEL_ANSWER") << name;
    Cpu(name, "0-3\n");
  }
}

TEST_F(CpuTest, GarbageNamesTheFileAndTheValue) {
  for (const char* name : {"possible", "present", "online", "isolated", "nohz_full"}) {
    for (const char* garbage : {"banana", "3-1", "0-", "1,,2", " 1", "-1", "99999999999"}) {
      Cpu(name, std::string(garbage) + "\n");
      SCOPED_TRACE(std::string(name) + " " + garbage);
      ExpectBadAnswer(ReadCpuMasks(*tree_).status(), std::string("sys/devices/system/cpu/") + name,
                      garbage == std::string("1,,2") ? "empty item" : garbage);
    }
    Cpu(name, "0\n");
  }
}

TEST_F(CpuTest, AnOnlineFileMakesACpuHotpluggable) {
  Cpu("cpu1/online", "1\n");
  Cpu("cpu2/online", "0\n");
  EXPECT_FALSE(*IsCpuHotpluggable(*tree_, 0));
  EXPECT_TRUE(*IsCpuHotpluggable(*tree_, 1));
}

TEST_F(CpuTest, ReadsTheOnlineFile) {
  Cpu("cpu1/online", "1\n");
  Cpu("cpu2/online", "0\n");
  EXPECT_TRUE(*ReadCpuOnlineFile(*tree_, 1));
  EXPECT_FALSE(*ReadCpuOnlineFile(*tree_, 2));
  EXPECT_EQ(ReadCpuOnlineFile(*tree_, 0).status().code(), absl::StatusCode::kNotFound);
  for (const char* garbage : {"2", "", "01", "1 ", "on"}) {
    Cpu("cpu1/online", garbage);
    ExpectBadAnswer(ReadCpuOnlineFile(*tree_, 1).status(), "sys/devices/system/cpu/cpu1/online",
                    garbage);
  }
}

TEST_F(CpuTest, ExclusiveCpusAreThoseOfPartitionsAndOfKubelet) {
  EXPECT_TRUE(ReadExclusiveCpus(*tree_)->empty());
  dir_.Write("sys/fs/cgroup/cgroup.subtree_control", "cpuset\n");
  dir_.Write("sys/fs/cgroup/dpdk/cpuset.cpus.partition", "root\n");
  dir_.Write("sys/fs/cgroup/dpdk/cpuset.cpus.effective", "3\n");
  dir_.Write("var/lib/kubelet/cpu_manager_state",
             R"({"policyName":"static","entries":{"pod":{"web":"1"}}})");
  const std::vector<ExclusiveCpus> owners = *ReadExclusiveCpus(*tree_);
  ASSERT_EQ(owners.size(), 2u);
  EXPECT_EQ(owners[0].owner, "cgroup /dpdk");
  EXPECT_EQ(owners[0].cpus, CpuSet{3});
  EXPECT_EQ(owners[1].owner, "kubelet container pod/web");
  EXPECT_EQ(owners[1].cpus, CpuSet{1});
}

}  // namespace
}  // namespace hotplugger::agent
