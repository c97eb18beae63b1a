#include "agent/drivers/kernel/kernel_driver_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"

namespace hotplugger::agent {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// "[a]" runs.
std::vector<std::string> Parsed(absl::string_view content) {
  std::vector<std::string> drivers;
  for (const KernelDriverState& driver : ParseKernelDriverList(content).drivers) {
    drivers.push_back(driver.running ? absl::StrCat("[", driver.name, "]") : driver.name);
  }
  return drivers;
}

// `count` names of 31 bytes and their spaces.
std::string LongList(size_t count) {
  std::string content;
  for (size_t i = 0; i < count; ++i) {
    absl::StrAppend(&content, absl::StrCat(1'000'000 + i), std::string(24, 'x'), " ");
  }
  return content;
}

TEST(KernelDriverListTest, ReadsNamesAndWhoRuns) {
  EXPECT_THAT(Parsed("[alucard] mpdecision [thermal] \n"),
              ElementsAre("[alucard]", "mpdecision", "[thermal]"));
  EXPECT_THAT(Parsed("alucard\n"), ElementsAre("alucard"));
  EXPECT_THAT(Parsed("alucard"), ElementsAre("alucard"));
}

TEST(KernelDriverListTest, NoneIsNone) {
  for (const char* empty : {"[none]\n", "[none] \n", "[none]", "[", "\n", "", " \n"}) {
    const KernelDriverList list = ParseKernelDriverList(empty);
    EXPECT_THAT(list.drivers, IsEmpty()) << empty;
    EXPECT_THAT(list.unreadable, IsEmpty()) << empty;
    EXPECT_FALSE(list.may_be_cut) << empty;
  }
  EXPECT_THAT(Parsed("[none] alucard \n"), ElementsAre("[none]", "alucard"))
      << "among others it is a driver's name";
}

TEST(KernelDriverListTest, WhatIsNoNameIsToldAndSkipped) {
  const KernelDriverList list = ParseKernelDriverList("[alu card] a/b \x01 ok \n");
  ASSERT_EQ(list.drivers.size(), 1u);
  EXPECT_EQ(list.drivers[0].name, "ok");
  EXPECT_THAT(list.unreadable, ElementsAre("[alu", "card]", "a/b", "\\001"));
}

TEST(KernelDriverListTest, AListThatFillsItsPageMayBeCut) {
  EXPECT_FALSE(ParseKernelDriverList(LongList(120) + "\n").may_be_cut);
  // As kernels cut it: after the last whole name, or in the middle of one.
  const KernelDriverList whole_names = ParseKernelDriverList(LongList(127) + "\n");
  EXPECT_TRUE(whole_names.may_be_cut);
  EXPECT_EQ(whole_names.drivers.size(), 127u);
  const KernelDriverList half_name = ParseKernelDriverList(LongList(128).substr(0, 4061) + "\n");
  EXPECT_TRUE(half_name.may_be_cut);
  EXPECT_EQ(half_name.drivers.size(), 126u) << "the half name is no driver";
}

TEST(KernelDriverListTest, NoCutOfALongListIsTakenForWholeAndNoHalfNameBelieved) {
  const std::string whole = LongList(140);
  for (size_t cut = 4096 - 32 - 34; cut < 4096; ++cut) {
    const KernelDriverList list = ParseKernelDriverList(whole.substr(0, cut) + "\n");
    EXPECT_TRUE(list.may_be_cut) << cut;
    for (const KernelDriverState& driver : list.drivers) EXPECT_EQ(driver.name.size(), 31u) << cut;
  }
}

}  // namespace
}  // namespace hotplugger::agent
