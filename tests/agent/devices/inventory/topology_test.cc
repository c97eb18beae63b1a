#include "agent/devices/inventory/topology.h"

#include "tests/agent/devices/inventory/tree_fixture.h"

namespace hotplugger::agent {
namespace {

v1::CpuTopology Place(int package, int die, int core, const std::string& siblings = "") {
  v1::CpuTopology place;
  place.set_package(package);
  place.set_die(die);
  place.set_core(core);
  place.set_core_cpus(siblings);
  return place;
}

TEST(TopologyTest, CoresAreToldApartByPackageDieAndCore) {
  Topology topology;
  topology.Set(0, Place(0, 0, 0));
  topology.Set(1, Place(0, 1, 0));
  topology.Set(2, Place(1, 0, 0));
  topology.Set(3, Place(0, 0, 1));
  topology.Set(4, Place(0, 0, 0));
  EXPECT_EQ(topology.CoreCpus(0), (CpuSet{0, 4}));
  EXPECT_EQ(topology.CoreCpus(4), (CpuSet{0, 4}));
  for (const int cpu : {1, 2, 3}) EXPECT_EQ(topology.CoreCpus(cpu), CpuSet{cpu});
  EXPECT_FALSE(topology.IsSecondaryThread(0));
  EXPECT_TRUE(topology.IsSecondaryThread(4));
  EXPECT_EQ(topology.CoreOf(2), CoreKey(1, 0, 0));
  EXPECT_EQ(topology.PackageOf(2), 1);
}

TEST(TopologyTest, OfAnUnknownCpuNothingIsGuessed) {
  const Topology topology;
  EXPECT_EQ(topology.CoreCpus(7), CpuSet{7});
  EXPECT_EQ(topology.CoreOf(7), CoreKey(-1, -1, 7));
  EXPECT_FALSE(topology.IsSecondaryThread(7));
  EXPECT_EQ(topology.NodeOf(7), -1);
  EXPECT_EQ(topology.PackageOf(7), -1);
  EXPECT_EQ(topology.Find(7), nullptr);
}

// Two CPUs of a package whose cores the kernel doesn't say are no siblings for that.
TEST(TopologyTest, WithoutACoreTheListedSiblingsCount) {
  Topology topology;
  v1::CpuTopology place;
  place.set_package(0);
  topology.Set(0, place);
  topology.Set(1, place);
  EXPECT_EQ(topology.CoreCpus(0), CpuSet{0});
  EXPECT_NE(topology.CoreOf(0), topology.CoreOf(1));
  place.set_core_cpus("2-3");
  topology.Set(2, place);
  topology.Set(3, place);
  EXPECT_EQ(topology.CoreCpus(3), (CpuSet{2, 3}));
  EXPECT_EQ(topology.CoreOf(2), topology.CoreOf(3));
}

TEST(TopologyTest, SiblingsThatTheKernelListedCount) {
  Topology topology;
  topology.Set(0, Place(0, 0, 0, "0,4"));
  EXPECT_EQ(topology.CoreCpus(0), (CpuSet{0, 4}));
}

TEST(TopologyTest, SetReplacesAndEraseForgets) {
  Topology topology;
  topology.Set(0, Place(0, 0, 0));
  topology.Set(1, Place(0, 0, 0));
  topology.Set(1, Place(0, 0, 1));
  EXPECT_EQ(topology.CoreCpus(0), CpuSet{0});
  topology.Erase(1);
  topology.Erase(1);
  EXPECT_EQ(topology.Find(1), nullptr);
  topology.Set(1, Place(0, 0, 0));
  EXPECT_EQ(topology.CoreCpus(0), (CpuSet{0, 1}));
}

class TopologyRecordTest : public testing::TreeTest {
 protected:
  void Cpu(int cpu, const std::string& file, const std::string& content) {
    dir_.Write("sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/" + file, content + "\n");
  }
  // A thread of core `core` of package 0.
  void Show(int cpu, int core) {
    Cpu(cpu, "topology/physical_package_id", "0");
    Cpu(cpu, "topology/die_id", "0");
    Cpu(cpu, "topology/core_id", std::to_string(core));
  }
  void Hide(int cpu) {
    dir_.Remove("sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/topology");
  }
  void Online(const std::string& list) { dir_.Write("sys/devices/system/cpu/online", list + "\n"); }

  static constexpr char kBoot[] = "this boot";
};

TEST_F(TopologyRecordTest, ReadsAPlaceWhole) {
  Cpu(5, "topology/physical_package_id", "1");
  Cpu(5, "topology/die_id", "2");
  Cpu(5, "topology/core_id", "17");
  Cpu(5, "topology/core_cpus_list", "5,13");
  Cpu(5, "topology/ppin", "0x2B9a0e4d1c3f5a77");
  Cpu(5, "cache/index0/level", "1");
  Cpu(5, "cache/index0/type", "Data");
  Cpu(5, "cache/index0/id", "8");
  Cpu(5, "cache/index3/level", "3");
  Cpu(5, "cache/index3/type", "Unified");
  Cpu(5, "cache/uevent", "");
  const auto folder = *tree_->OpenFolder("sys/devices/system/cpu/cpu5");
  const v1::CpuTopology place = *ReadCpuTopology(*folder);
  EXPECT_EQ(place.package(), 1);
  EXPECT_EQ(place.die(), 2);
  EXPECT_EQ(place.core(), 17);
  EXPECT_EQ(place.core_cpus(), "5,13");
  EXPECT_EQ(place.ppin(), "2b9a0e4d1c3f5a77");
  ASSERT_EQ(place.caches_size(), 2);
  EXPECT_EQ(place.caches(0).type(), "d");
  EXPECT_EQ(place.caches(0).id(), 8);
  EXPECT_EQ(place.caches(1).level(), 3);
  EXPECT_EQ(place.caches(1).type(), "u");
  EXPECT_FALSE(place.caches(1).has_id());
}

TEST_F(TopologyRecordTest, WhatIsMissingOrUnknownIsAbsent) {
  Cpu(0, "topology/physical_package_id", "-1");
  Cpu(0, "topology/thread_siblings_list", "0-1");
  const auto folder = *tree_->OpenFolder("sys/devices/system/cpu/cpu0");
  const v1::CpuTopology place = *ReadCpuTopology(*folder);
  EXPECT_FALSE(place.has_package());
  EXPECT_FALSE(place.has_die());
  EXPECT_FALSE(place.has_core());
  EXPECT_EQ(place.core_cpus(), "0-1");
  EXPECT_EQ(place.ppin(), "");
  EXPECT_EQ(place.caches_size(), 0);
}

TEST_F(TopologyRecordTest, GarbageNamesTheFileAndTheValue) {
  const std::pair<const char*, const char*> cases[] = {
      {"topology/physical_package_id", "one"},
      {"topology/die_id", "-2"},
      {"topology/core_id", "1 2"},
      {"topology/core_cpus_list", "1-"},
      {"topology/ppin", "0xfg"},
      {"cache/index0/level", "L1"},
      {"cache/index0/type", "data"},
      {"cache/index0/id", ""},
  };
  for (const auto& [file, garbage] : cases) {
    Show(0, 0);
    Cpu(0, "cache/index0/level", "1");
    const std::string path = std::string("sys/devices/system/cpu/cpu0/") + file;
    Cpu(0, file, garbage);
    TopologyRecord record(kBoot, {});
    ExpectBadAnswer(record.Update(*tree_, {0}, {0}).status(), path, garbage);
    dir_.Remove(path);
  }
}

TEST_F(TopologyRecordTest, OutlivesAnOfflineCpu) {
  Show(0, 0);
  Show(1, 0);
  dir_.Write("sys/devices/system/node/node3/cpulist", "0-1\n");
  TopologyRecord record(kBoot, {});
  EXPECT_TRUE(*record.Update(*tree_, {0, 1}, {0, 1}));
  EXPECT_FALSE(*record.Update(*tree_, {0, 1}, {0, 1}));
  Hide(1);
  EXPECT_FALSE(*record.Update(*tree_, {0, 1}, {0}));
  EXPECT_EQ(record.topology().CoreCpus(0), (CpuSet{0, 1}));
  EXPECT_EQ(record.topology().NodeOf(1), 3);
}

// As when it goes offline between the reading of the mask and of its files.
TEST_F(TopologyRecordTest, ACpuThatVanishesWhileItIsReadIsNotTakenForOneWithoutAPlace) {
  Show(0, 0);
  Cpu(1, "hotplug/state", "0");
  Online("0");
  TopologyRecord record(kBoot, {});
  EXPECT_TRUE(*record.Update(*tree_, {0, 1, 2}, {0, 1, 2}));
  EXPECT_EQ(record.topology().Find(1), nullptr);
  EXPECT_EQ(record.topology().Find(2), nullptr);
  Show(1, 0);
  Online("0-1");
  EXPECT_TRUE(*record.Update(*tree_, {0, 1}, {0, 1}));
  EXPECT_EQ(record.topology().CoreCpus(0), (CpuSet{0, 1}));
}

TEST_F(TopologyRecordTest, AKernelThatSaysNothingIsAskedOnce) {
  Cpu(0, "hotplug/state", "236");
  Online("0");
  TopologyRecord record(kBoot, {});
  EXPECT_TRUE(*record.Update(*tree_, {0}, {0}));
  EXPECT_NE(record.topology().Find(0), nullptr);
  EXPECT_FALSE(*record.Update(*tree_, {0}, {0}));
}

TEST_F(TopologyRecordTest, ForgetsCpusThatAreNotPresent) {
  Show(0, 0);
  Show(1, 1);
  TopologyRecord record(kBoot, {});
  ASSERT_TRUE(*record.Update(*tree_, {0, 1}, {0, 1}));
  EXPECT_TRUE(*record.Update(*tree_, {0}, {0}));
  EXPECT_EQ(record.topology().Find(1), nullptr);
  Show(1, 0);  // another one in its place
  EXPECT_TRUE(*record.Update(*tree_, {0, 1}, {0, 1}));
  EXPECT_EQ(record.topology().CoreCpus(0), (CpuSet{0, 1}));
}

TEST_F(TopologyRecordTest, WhatEarlierRunsKnewIsUsedUntilThisBootShowsTheCpu) {
  Show(0, 0);
  Show(1, 0);
  TopologyRecord first("another boot", {});
  ASSERT_TRUE(*first.Update(*tree_, {0, 1}, {0, 1}));

  TopologyRecord second(kBoot, first.Known());
  Hide(1);
  Show(0, 5);
  EXPECT_TRUE(*second.Update(*tree_, {0, 1}, {0}));
  EXPECT_EQ(second.topology().CoreOf(0), CoreKey(0, 0, 5));
  EXPECT_EQ(second.topology().CoreOf(1), CoreKey(0, 0, 0));
  const auto known = second.Known();
  ASSERT_EQ(known.size(), 2);
  EXPECT_EQ(known[0].boot_id(), kBoot);
  EXPECT_EQ(known[1].boot_id(), "another boot");

  // Of this boot nothing is read again.
  Show(0, 9);
  TopologyRecord third(kBoot, known);
  EXPECT_FALSE(*third.Update(*tree_, {0, 1}, {0}));
  EXPECT_EQ(third.topology().CoreOf(0), CoreKey(0, 0, 5));
}

TEST_F(TopologyRecordTest, KnownCpusWithImpossibleNumbersAreLeftOut) {
  google::protobuf::RepeatedPtrField<v1::KnownCpu> known;
  known.Add()->set_cpu(-1);
  known.Add()->set_cpu(kMaxCpuNumber + 1);
  known.Add()->set_cpu(kMaxCpuNumber);
  EXPECT_EQ(TopologyRecord(kBoot, known).Known().size(), 1);
}

}  // namespace
}  // namespace hotplugger::agent
