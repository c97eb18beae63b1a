#include "server/metrics/bounded_sums.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

namespace hotplugger::server {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

std::map<std::string, int> Read(const BoundedSums<int>& sums) {
  std::map<std::string, int> all;
  sums.ForEach([&all](const std::string& value, int sum) { all[value] = sum; });
  return all;
}

TEST(BoundedSumsTest, SumsUpByValue) {
  BoundedSums<int> sums(3);
  EXPECT_THAT(Read(sums), IsEmpty());
  for (const char* value : {"b", "a", "b", ""}) sums.Add(value, 2);
  EXPECT_THAT(Read(sums), ElementsAre(Pair("", 2), Pair("a", 2), Pair("b", 4)));
}

TEST(BoundedSumsTest, SomeKeepTheirPlaces) {
  constexpr absl::string_view kKept[] = {"x", "y"};
  BoundedSums<int> sums(2, kKept);
  for (const char* value : {"d", "x", "c", "b", "a", "x"}) sums.Add(value, 1);
  EXPECT_THAT(Read(sums),
              ElementsAre(Pair("(other)", 2), Pair("a", 1), Pair("b", 1), Pair("x", 2)));
}

TEST(BoundedSumsTest, TheFirstByNameStayWhateverTheOrder) {
  std::vector<std::string> values = {"a", "a", "b", "c", "c", "c", "d", "e"};
  do {
    BoundedSums<int> sums(3);
    for (const std::string& value : values) sums.Add(value, 1);
    ASSERT_THAT(Read(sums),
                ElementsAre(Pair("(other)", 2), Pair("a", 2), Pair("b", 1), Pair("c", 3)));
  } while (std::next_permutation(values.begin(), values.end()));
}

TEST(BoundedSumsTest, AValueOfTheNameOfTheRestIsSummedUpWithIt) {
  BoundedSums<int> sums(2);
  for (const char* value : {"(other)", "x", "y", "z"}) sums.Add(value, 1);
  EXPECT_THAT(Read(sums), ElementsAre(Pair("(other)", 2), Pair("x", 1), Pair("y", 1)));
}

}  // namespace
}  // namespace hotplugger::server
