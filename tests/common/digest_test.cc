#include "common/digest.h"

#include <gtest/gtest.h>

namespace hotplugger {
namespace {

// FIPS 180-4's own examples.
TEST(Sha256HexTest, KnownAnswers) {
  EXPECT_EQ(Sha256Hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(Sha256Hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Sha256HexTest, CountsZeroBytes) {
  EXPECT_NE(Sha256Hex(absl::string_view("a\0b", 3)), Sha256Hex("a"));
}

TEST(Sha256HexTest, WhatCanBeOne) {
  EXPECT_TRUE(IsSha256Hex(Sha256Hex("x")));
  for (const std::string& bad : {std::string(), std::string(63, 'a'), std::string(65, 'a'),
                                 std::string(64, 'A'), std::string(64, 'g')}) {
    EXPECT_FALSE(IsSha256Hex(bad)) << bad;
  }
}

}  // namespace
}  // namespace hotplugger
