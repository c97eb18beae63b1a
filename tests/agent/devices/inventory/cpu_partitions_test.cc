#include "agent/devices/inventory/cpu_partitions.h"

#include "tests/agent/devices/inventory/tree_fixture.h"

namespace hotplugger::agent {
namespace {

class CpuPartitionsTest : public testing::TreeTest {
 protected:
  CpuPartitionsTest() { Cgroup("", "cgroup.subtree_control", "cpuset cpu memory\n"); }

  void Cgroup(const std::string& cgroup, const std::string& file, const std::string& content) {
    dir_.Write("sys/fs/cgroup/" + cgroup + "/" + file, content);
  }

  // "OWNER: CPUS" of each.
  std::vector<std::string> Read() {
    std::vector<std::string> lines;
    const auto owners = ReadCpuPartitions(*tree_);
    EXPECT_TRUE(owners.ok()) << owners.status();
    if (!owners.ok()) return lines;
    for (const ExclusiveCpus& owner : *owners) {
      lines.push_back(owner.owner + ": " + FormatCpuList(owner.cpus));
    }
    return lines;
  }
};

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST_F(CpuPartitionsTest, OnlyPartitionsInForceCount) {
  struct Case {
    const char* state;
    bool in_force;
  };
  for (const Case& c : {Case{"member", false}, Case{"root", true}, Case{"isolated", true},
                        Case{"root invalid (Cpu list in cpuset.cpus not exclusive)", false},
                        Case{"isolated invalid", false}}) {
    Cgroup("a", "cpuset.cpus.partition", std::string(c.state) + "\n");
    Cgroup("a", "cpuset.cpus.effective", "2-3\n");
    SCOPED_TRACE(c.state);
    if (c.in_force) {
      EXPECT_THAT(Read(), ElementsAre("cgroup /a: 2-3"));
    } else {
      EXPECT_THAT(Read(), IsEmpty());
    }
  }
}

// What a partition has given to partitions below it is not among its effective CPUs, but still
// among its exclusive ones.
TEST_F(CpuPartitionsTest, PrefersTheExclusiveList) {
  Cgroup("a", "cpuset.cpus.partition", "root\n");
  Cgroup("a", "cpuset.cpus.effective", "2\n");
  Cgroup("a", "cpuset.cpus.exclusive.effective", "2-3\n");
  EXPECT_THAT(Read(), ElementsAre("cgroup /a: 2-3"));
  Cgroup("a", "cpuset.cpus.exclusive.effective", "\n");
  EXPECT_THAT(Read(), ElementsAre("cgroup /a: 2"));
}

TEST_F(CpuPartitionsTest, LooksBelowCgroupsThatHandOutCpusAlone) {
  for (const char* cgroup : {"a/x", "b/x"}) {
    Cgroup(cgroup, "cpuset.cpus.partition", "root\n");
    Cgroup(cgroup, "cpuset.cpus.effective", "1\n");
  }
  Cgroup("a", "cgroup.subtree_control", "cpuset\n");
  Cgroup("b", "cgroup.subtree_control", "cpu memory\n");
  EXPECT_THAT(Read(), ElementsAre("cgroup /a/x: 1"));
  Cgroup("", "cgroup.subtree_control", "\n");
  EXPECT_THAT(Read(), IsEmpty());
}

TEST_F(CpuPartitionsTest, NoCgroupsAtAll) {
  dir_.Remove("sys/fs");
  EXPECT_THAT(Read(), IsEmpty());
  dir_.Write("sys/fs/cgroup/cpuset/cpuset.cpus", "0-3\n");  // version 1
  EXPECT_THAT(Read(), IsEmpty());
}

TEST_F(CpuPartitionsTest, GarbageNamesTheFileAndTheValue) {
  Cgroup("a", "cpuset.cpus.partition", "rooted\n");
  ExpectBadAnswer(ReadCpuPartitions(*tree_).status(), "sys/fs/cgroup/a/cpuset.cpus.partition",
                  "rooted");
  Cgroup("a", "cpuset.cpus.partition", "root\n");
  Cgroup("a", "cpuset.cpus.effective", "2-\n");
  ExpectBadAnswer(ReadCpuPartitions(*tree_).status(), "sys/fs/cgroup/a/cpuset.cpus.effective",
                  "2-");
}

TEST_F(CpuPartitionsTest, ThereIsALimit) {
  for (const char* cgroup : {"a", "a/x", "b"}) Cgroup(cgroup, "cgroup.subtree_control", "cpuset\n");
  EXPECT_TRUE(ReadCpuPartitions(*tree_, 3).ok());
  const absl::Status status = ReadCpuPartitions(*tree_, 2).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ErrorReason(status), "TOO_MANY_CGROUPS");
}

}  // namespace
}  // namespace hotplugger::agent
