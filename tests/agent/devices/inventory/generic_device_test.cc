#include "agent/devices/inventory/generic_device.h"

#include "tests/agent/devices/inventory/tree_fixture.h"

namespace hotplugger::agent {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class GenericDeviceTest : public testing::TreeTest {
 protected:
  // A device at sys/devices/`place`, linked from its bus, as the kernel does it. `online` "": no
  // such file.
  void Device(const std::string& bus, const std::string& place, const std::string& online) {
    const std::string folder = "sys/devices/" + place;
    const std::string name = std::filesystem::path(place).filename().string();
    if (!online.empty()) dir_.Write(folder + "/online", online + "\n");
    dir_.Write(folder + "/uevent", "");
    std::string up = "../../";
    for (const char c : place) up += c == '/' ? "../" : "";
    Link(folder + "/subsystem", up + "bus/" + bus);
    Link("sys/bus/" + bus + "/devices/" + name, "../../../devices/" + place);
  }

  std::vector<std::string> warnings_;
};

TEST_F(GenericDeviceTest, ReadsDevicesOfAllBusesButCpuAndMemory) {
  Device("container", "system/container/PNP0A06:01", "0");
  Device("container", "system/container/PNP0A06:00", "1");
  Device("xen_cpu", "system/xen_cpu/xen_cpu1", "1");
  Device("pci", "pci0000:00/0000:00:01.0", "");
  Device("cpu", "system/cpu/cpu1", "1");
  Device("memory", "system/memory/memory1", "1");
  EXPECT_THAT(*ReadGenericDevices(*tree_, &warnings_),
              ElementsAre(GenericDevice{"container", "PNP0A06:00", true},
                          GenericDevice{"container", "PNP0A06:01", false},
                          GenericDevice{"xen_cpu", "xen_cpu1", true}));
}

TEST_F(GenericDeviceTest, AKernelWithoutBuses) {
  EXPECT_THAT(*ReadGenericDevices(*tree_, &warnings_), IsEmpty());
  dir_.Write("sys/bus/empty/uevent", "");
  EXPECT_THAT(*ReadGenericDevices(*tree_, &warnings_), IsEmpty());
}

TEST_F(GenericDeviceTest, GarbageNamesTheFileAndTheValue) {
  Device("container", "system/container/c0", "yes");
  const std::string path = "sys/bus/container/devices/c0/online";
  Device("container", "system/container/c1", "1");
  // Of all devices it alone is left out, and said to be.
  EXPECT_THAT(*ReadGenericDevices(*tree_, &warnings_),
              ElementsAre(GenericDevice{"container", "c1", true}));
  ASSERT_EQ(warnings_.size(), 1U);
  EXPECT_THAT(warnings_[0], ::testing::HasSubstr(path));
  ExpectBadAnswer(ReadGenericDevice(*tree_, "container", "c0").status(), path, "yes");
}

TEST_F(GenericDeviceTest, ReadsOne) {
  Device("container", "system/container/c0", "1");
  Device("pci", "pci0/bridge", "");
  EXPECT_EQ(*ReadGenericDevice(*tree_, "container", "c0"),
            (GenericDevice{"container", "c0", true}));
  const absl::Status none = ReadGenericDevice(*tree_, "container", "c1").status();
  EXPECT_EQ(none.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(ErrorReason(none), "DEVICE_NOT_FOUND");
  const absl::Status fixed = ReadGenericDevice(*tree_, "pci", "bridge").status();
  EXPECT_EQ(fixed.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ErrorReason(fixed), "NOT_HOTPLUGGABLE");
  EXPECT_THAT(std::string(fixed.message()), HasSubstr("pci/bridge"));
}

TEST_F(GenericDeviceTest, NamesAreNoPaths) {
  Device("container", "system/container/c0", "1");
  for (const std::string& name :
       {std::string(), std::string(".."), std::string("."), std::string("../devices/c0"),
        std::string("c0/."), std::string("c0\0x", 4)}) {
    EXPECT_EQ(ErrorReason(ReadGenericDevice(*tree_, "container", name).status()),
              "BAD_DEVICE_NAME");
    EXPECT_EQ(ErrorReason(ReadGenericDevice(*tree_, name, "c0").status()), "BAD_DEVICE_NAME");
    EXPECT_EQ(ErrorReason(FindOnlineDescendants(*tree_, "container", name).status()),
              "BAD_DEVICE_NAME");
  }
}

TEST_F(GenericDeviceTest, FindsOnlineDescendants) {
  Device("container", "system/container/c0", "1");
  Device("container", "system/container/c0/inner", "1");
  Device("memory", "system/container/c0/inner/deep/memory5", "1");
  Device("cpu", "system/container/c0/cpu9", "0");
  Device("pci", "system/container/c0/fixed", "");
  Device("container", "system/container/c1", "1");
  EXPECT_THAT(*FindOnlineDescendants(*tree_, "container", "c0"),
              ElementsAre("container/inner", "memory5"));
  EXPECT_THAT(*FindOnlineDescendants(*tree_, "container", "c1"), IsEmpty());
  EXPECT_THAT(*FindOnlineDescendants(*tree_, "container", "none"), IsEmpty());
}

// Containers are the firmware's: their CPUs and memory have their folders elsewhere.
TEST_F(GenericDeviceTest, FindsWhatTheFirmwareHasBelowAContainer) {
  Device("container", "system/container/c0", "1");
  Device("cpu", "system/cpu/cpu3", "1");
  Device("cpu", "system/cpu/cpu4", "0");
  Device("memory", "system/memory/memory32", "1");
  Device("memory", "system/memory/memory33", "1");
  const std::string firmware = "sys/devices/LNXSYSTM:00/PNP0A06:00";
  Link("sys/devices/system/container/c0/firmware_node", "../../../LNXSYSTM:00/PNP0A06:00");
  Link(firmware + "/physical_node", "../../system/container/c0");
  Link(firmware + "/ACPI0007:03/physical_node", "../../../system/cpu/cpu3");
  Link(firmware + "/ACPI0007:04/physical_node", "../../../system/cpu/cpu4");
  Link(firmware + "/deep/PNP0C80:00/physical_node", "../../../../system/memory/memory32");
  Link(firmware + "/deep/PNP0C80:00/physical_node1", "../../../../system/memory/memory33");
  EXPECT_THAT(*FindOnlineDescendants(*tree_, "container", "c0"),
              ElementsAre("cpu3", "memory32", "memory33"));
}

// Of a class, `online` is something else: whether a power supply is plugged in, say.
TEST_F(GenericDeviceTest, DevicesOfClassesAreNoDescendants) {
  Device("container", "system/container/c0", "1");
  dir_.Write("sys/devices/system/container/c0/AC/online", "1\n");
  Link("sys/devices/system/container/c0/AC/subsystem", "../../../../../class/power_supply");
  dir_.Write("sys/devices/system/container/c0/power/online", "1\n");
  EXPECT_THAT(*FindOnlineDescendants(*tree_, "container", "c0"), IsEmpty());
}

TEST_F(GenericDeviceTest, LinksDoNotLeaveTheTree) {
  const testing::TempDir outside;
  outside.Write("inner/online", "1\n");
  Link("sys/bus/container/devices/c0", outside.path());
  EXPECT_FALSE(FindOnlineDescendants(*tree_, "container", "c0").ok());
  EXPECT_FALSE(ReadGenericDevice(*tree_, "container", "c0").ok());
}

TEST_F(GenericDeviceTest, DepthIsBounded) {
  Device("container", "system/container/c0", "1");
  Device("container", "system/container/c0/2/3/4/5/6/7/8/d8", "1");
  EXPECT_THAT(*FindOnlineDescendants(*tree_, "container", "c0"), ElementsAre("container/d8"));
  Device("container", "system/container/c0/2/3/4/5/6/7/8/9/d9", "1");
  EXPECT_THAT(*FindOnlineDescendants(*tree_, "container", "c0"), ElementsAre("container/d8"));
}

}  // namespace
}  // namespace hotplugger::agent
