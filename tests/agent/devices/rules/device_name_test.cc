#include "agent/devices/rules/device_name.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "common/error_info.h"

namespace hotplugger::agent {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(DeviceNameTest, TakesKernelNamesApartAndPutsThemTogether) {
  const struct {
    std::string text;
    DeviceName name;
  } tests[] = {
      {"cpu0", {v1::DEVICE_KIND_CPU, 0, "", ""}},
      {"cpu8191", {v1::DEVICE_KIND_CPU, 8191, "", ""}},
      {"memory0", {v1::DEVICE_KIND_MEMORY, 0, "", ""}},
      {"memory33554431", {v1::DEVICE_KIND_MEMORY, 33'554'431, "", ""}},
      {"smt", {v1::DEVICE_KIND_SMT, 0, "", ""}},
      {"container/PNP0A06:00", {v1::DEVICE_KIND_GENERIC, 0, "container", "PNP0A06:00"}},
      {"xen_cpu/xen_cpu1", {v1::DEVICE_KIND_GENERIC, 0, "xen_cpu", "xen_cpu1"}},
      {"ccw/0.0.1940", {v1::DEVICE_KIND_GENERIC, 0, "ccw", "0.0.1940"}},
      {"b/...", {v1::DEVICE_KIND_GENERIC, 0, "b", "..."}},
      {absl::StrCat(std::string(32, 'b'), "/", std::string(64, 'd')),
       {v1::DEVICE_KIND_GENERIC, 0, std::string(32, 'b'), std::string(64, 'd')}},
  };
  for (const auto& test : tests) {
    const auto parsed = ParseDeviceName(test.text);
    ASSERT_TRUE(parsed.ok()) << test.text << ": " << parsed.status();
    EXPECT_EQ(*parsed, test.name) << test.text;
    EXPECT_EQ(FormatDeviceName(*parsed), test.text);
  }
}

TEST(DeviceNameTest, MakesNames) {
  EXPECT_EQ(CpuName(17), "cpu17");
  EXPECT_EQ(MemoryName(32), "memory32");
  EXPECT_EQ(*ParseDeviceName("cpu17"), CpuDevice(17));
  EXPECT_EQ(*ParseDeviceName("memory32"), MemoryDevice(32));
}

TEST(DeviceNameTest, RefusesEverythingElse) {
  const std::string names[] = {
      "", "cpu", "cpu-1", "cpu+1", "cpu01", "cpu00", "cpu8192", "cpu4294967296",
      "cpu99999999999999999999", "cpu1 ", " cpu1", "cpu 1", "CPU1", "cpu1\n", "cpu0x1", "cpu1.0",
      "cpu\u0661", "memory", "memory-1", "memory03", "memory33554432", "smt ", "SMT", "smt0",
      // Paths.
      "cpu1/online", "memory3/state", "smt/control", "../cpu1", "..", ".", "/", "//", "/cpu1",
      "cpu1/", "container/", "/PNP0A06:00", "container/.", "container/..", "container/../cpu1",
      "../container/x", "container//x", "./x", "container/a/b", "container/x\n", "container/x y",
      "container/x\x7f", "container/\xc3\xa9", "con.tainer/x",
      // Kinds with names of their own, and no devices.
      "cpu/cpu1", "memory/memory3", "driver/alucard",
      // NUL and length.
      std::string("cpu1\0", 5), std::string("cpu\0001", 5), std::string("container/x\0y", 13),
      std::string("\0", 1), std::string(4096, 'c'), absl::StrCat("cpu", std::string(4096, '1')),
      absl::StrCat("container/", std::string(4096, 'x')), absl::StrCat(std::string(33, 'b'), "/d"),
      absl::StrCat("b/", std::string(65, 'd'))};
  for (const std::string& name : names) {
    const auto parsed = ParseDeviceName(name);
    EXPECT_EQ(parsed.status().code(), absl::StatusCode::kInvalidArgument) << name;
    EXPECT_EQ(ErrorReason(parsed.status()), "BAD_DEVICE_NAME") << name;
    EXPECT_THAT(std::string(parsed.status().message()), HasSubstr("e.g. cpu3, memory32")) << name;
    EXPECT_LT(parsed.status().message().size(), 512u) << name.size();
  }
}

TEST(DeviceNameTest, MessageShowsWhatWasGivenAndSaysWhy) {
  const auto message = [](const std::string& text) {
    return std::string(ParseDeviceName(text).status().message());
  };
  EXPECT_THAT(message("cpu1\n\x1b[2J"), HasSubstr("\"cpu1\\n\\033[2J\""));
  EXPECT_THAT(message("cpu1\n\x1b[2J"), Not(HasSubstr("\x1b")));
  EXPECT_THAT(message("cpu/cpu1"), HasSubstr("by their own names"));
  EXPECT_THAT(message("driver/alucard"), HasSubstr("names a driver"));
}

}  // namespace
}  // namespace hotplugger::agent
