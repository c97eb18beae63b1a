#include "common/random_id.h"

#include <gtest/gtest.h>

#include <set>

namespace hotplugger {
namespace {

TEST(RandomIdTest, IsAnotherOneEachTime) {
  std::set<std::string> ids;
  for (int i = 0; i < 100; ++i) {
    const std::string id = RandomId();
    EXPECT_TRUE(IsRandomId(id)) << id;
    ids.insert(id);
  }
  EXPECT_EQ(ids.size(), 100u);
}

TEST(RandomIdTest, NothingElseLooksLikeOne) {
  const std::string id = RandomId();
  EXPECT_FALSE(IsRandomId(""));
  EXPECT_FALSE(IsRandomId(id + "0"));
  EXPECT_FALSE(IsRandomId(id.substr(1)));
  EXPECT_FALSE(IsRandomId("A" + id.substr(1)));
  EXPECT_FALSE(IsRandomId("g" + id.substr(1)));
}

}  // namespace
}  // namespace hotplugger
