#include "agent/devices/inventory/device_reader.h"

#include "tests/agent/devices/inventory/tree_fixture.h"

namespace hotplugger::agent {
namespace {

using ::testing::ElementsAre;

std::vector<std::string> Names(const std::vector<v1::Device>& devices) {
  std::vector<std::string> names;
  for (const v1::Device& device : devices) names.push_back(device.name());
  return names;
}

class DeviceReaderTest : public testing::TreeTest {
 protected:
  DeviceReaderTest() {
    Cpu("present", "0-2\n");
    Cpu("online", "0-2\n");
    for (const int cpu : {1, 2}) Cpu("cpu" + std::to_string(cpu) + "/online", "1\n");
    for (const int cpu : {0, 1, 2}) {
      const std::string folder = "cpu" + std::to_string(cpu) + "/topology/";
      Cpu(folder + "physical_package_id", "0\n");
      Cpu(folder + "core_id", cpu == 2 ? "0\n" : std::to_string(cpu) + "\n");
    }
  }

  void Cpu(const std::string& name, const std::string& content) {
    dir_.Write("sys/devices/system/cpu/" + name, content);
  }

  void AddMemory() {
    dir_.Write("sys/devices/system/memory/block_size_bytes", "8000000\n");
    for (const int block : {2, 10}) {
      const std::string folder = "sys/devices/system/memory/memory" + std::to_string(block);
      dir_.Write(folder + "/state", "online\n");
      dir_.Write(folder + "/valid_zones", block == 2 ? "none\n" : "Movable\n");
    }
    dir_.Write("proc/meminfo", "MemTotal: 1000 kB\nMemAvailable: 900 kB\n");
    dir_.Write("proc/zoneinfo", "Node 0, zone Normal\n managed 5\n");
  }

  DeviceReader reader_{*tree_, "boot", {}};
};

TEST_F(DeviceReaderTest, ReadsTheSmallestHost) {
  const Snapshot snapshot = *reader_.ReadAll();
  EXPECT_EQ(snapshot.cpus.masks.online, (CpuSet{0, 1, 2}));
  EXPECT_EQ(snapshot.cpus.hotpluggable, (CpuSet{1, 2}));
  EXPECT_FALSE(snapshot.memory.has_value());
  EXPECT_TRUE(snapshot.generic.empty());
  EXPECT_EQ(snapshot.cpus.smt.control(), v1::SMT_CONTROL_NOT_SUPPORTED);
  EXPECT_EQ(snapshot.cpus.topology.CoreCpus(0), (CpuSet{0, 2}));
}

TEST_F(DeviceReaderTest, DevicesComeByKindThenByNumber) {
  AddMemory();
  dir_.Write("sys/bus/container/devices/c0/online", "0\n");
  const std::vector<v1::Device> devices = ToDevices(*reader_.ReadAll());
  EXPECT_THAT(Names(devices),
              ElementsAre("cpu0", "cpu1", "cpu2", "memory2", "memory10", "smt", "container/c0"));
  EXPECT_FALSE(devices[0].hotpluggable());
  EXPECT_TRUE(devices[1].hotpluggable());
  EXPECT_EQ(devices[1].state(), v1::DEVICE_STATE_ONLINE);
  EXPECT_EQ(devices[2].cpu().core_cpus(), "0,2");
  EXPECT_FALSE(devices[3].hotpluggable());  // in no zone
  EXPECT_EQ(devices[4].memory().start(), uint64_t{10} << 27);
  EXPECT_EQ(devices[4].memory().size(), uint64_t{1} << 27);
  EXPECT_FALSE(devices[4].memory().has_node());
  EXPECT_THAT(devices[4].memory().zones(), ElementsAre("Movable"));
  EXPECT_EQ(devices[6].kind(), v1::DEVICE_KIND_GENERIC);
  EXPECT_EQ(devices[6].state(), v1::DEVICE_STATE_OFFLINE);
}

TEST_F(DeviceReaderTest, ACpuThatIsNotThereHasNoState) {
  const Snapshot snapshot = *reader_.ReadAll();
  const v1::Device device = ToDevice(snapshot.cpus, 7);
  EXPECT_EQ(device.state(), v1::DEVICE_STATE_UNSPECIFIED);
  EXPECT_FALSE(device.hotpluggable());
  EXPECT_FALSE(device.has_cpu());
  EXPECT_EQ(ToDevice(MemoryBlocks{}, 7).state(), v1::DEVICE_STATE_UNSPECIFIED);
}

TEST(SmtDeviceTest, SaysWhetherThreadsMayBeOnline) {
  struct Case {
    v1::SmtControl control;
    v1::DeviceState state;
    bool hotpluggable;
  };
  for (const Case& c : {Case{v1::SMT_CONTROL_ON, v1::DEVICE_STATE_ONLINE, true},
                        Case{v1::SMT_CONTROL_PARTIAL, v1::DEVICE_STATE_ONLINE, true},
                        Case{v1::SMT_CONTROL_OFF, v1::DEVICE_STATE_OFFLINE, true},
                        Case{v1::SMT_CONTROL_FORCEOFF, v1::DEVICE_STATE_OFFLINE, false},
                        Case{v1::SMT_CONTROL_NOT_SUPPORTED, v1::DEVICE_STATE_UNSPECIFIED, false}}) {
    v1::SmtStatus smt;
    smt.set_control(c.control);
    EXPECT_EQ(ToDevice(smt).state(), c.state);
    EXPECT_EQ(ToDevice(smt).hotpluggable(), c.hotpluggable);
  }
}

// hotplug/target leaves cpuN/online stale (kernel 0, fact 6): the mask is the truth.
TEST_F(DeviceReaderTest, TheMaskDecides) {
  Cpu("online", "0-1\n");
  EXPECT_EQ(ToDevice(*reader_.ReadCpus(), 2).state(), v1::DEVICE_STATE_OFFLINE);
}

TEST_F(DeviceReaderTest, ACpuThatComesIsAskedWhetherItIsHotpluggable) {
  Cpu("present", "0-1\n");
  Cpu("online", "0-1\n");
  EXPECT_EQ(reader_.ReadCpus()->hotpluggable, CpuSet{1});
  Cpu("present", "0-2\n");
  EXPECT_EQ(reader_.ReadCpus()->hotpluggable, (CpuSet{1, 2}));
  Cpu("present", "0,2\n");
  Cpu("online", "0\n");
  EXPECT_EQ(reader_.ReadCpus()->hotpluggable, CpuSet{2});
}

TEST_F(DeviceReaderTest, TellsOnceWhetherTheRecordHasChanged) {
  EXPECT_FALSE(reader_.TakeChangedRecord());
  ASSERT_TRUE(reader_.ReadCpus().ok());
  EXPECT_TRUE(reader_.TakeChangedRecord());
  EXPECT_FALSE(reader_.TakeChangedRecord());
  ASSERT_TRUE(reader_.ReadCpus().ok());
  EXPECT_FALSE(reader_.TakeChangedRecord());
}

TEST_F(DeviceReaderTest, TheDigestIsOfNamesAndStatesAlone) {
  AddMemory();
  dir_.Write("sys/bus/container/devices/c0/online", "0\n");
  std::string digest = InventoryDigest(*reader_.ReadAll());
  EXPECT_THAT(digest, ::testing::MatchesRegex("[0-9a-f]{64}"));
  dir_.Write("proc/meminfo", "MemTotal: 1000 kB\nMemAvailable: 100 kB\n");
  EXPECT_EQ(InventoryDigest(*reader_.ReadAll()), digest);

  const std::pair<const char*, const char*> changes[] = {
      {"sys/devices/system/cpu/online", "0-1\n"},
      {"sys/devices/system/cpu/present", "0-3\n"},
      {"sys/devices/system/memory/memory10/state", "offline\n"},
      {"sys/bus/container/devices/c0/online", "1\n"},
  };
  for (const auto& [path, content] : changes) {
    dir_.Write(path, content);
    const std::string changed = InventoryDigest(*reader_.ReadAll());
    EXPECT_NE(changed, digest) << path;
    digest = changed;
  }
  Cpu("smt/control", "off\n");
  Cpu("smt/active", "0\n");
  EXPECT_NE(InventoryDigest(*reader_.ReadAll()), digest);
}

TEST_F(DeviceReaderTest, AnErrorNamesTheFile) {
  Cpu("smt/control", "perhaps\n");
  ExpectBadAnswer(reader_.ReadAll().status(), "sys/devices/system/cpu/smt/control", "perhaps");
}

}  // namespace
}  // namespace hotplugger::agent
