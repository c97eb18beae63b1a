// The list against the page that people read.
#include "server/metrics/known_conditions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"

namespace hotplugger::server {
namespace {

// The first cells of the table of conditions.
std::vector<std::string> OnThePage() {
  std::ifstream file(HOTPLUGGER_SOURCE_DIR "/docs/hotplugctl.md");
  std::vector<std::string> conditions;
  bool in_table = false;
  for (std::string line; std::getline(file, line);) {
    if (absl::StartsWith(line, "| condition |")) in_table = true;
    if (!absl::StartsWith(line, "|")) in_table = false;
    const std::vector<std::string> parts = absl::StrSplit(line, '`');
    if (in_table && absl::StartsWith(line, "| `")) conditions.push_back(parts[1]);
  }
  return conditions;
}

TEST(KnownConditionsTest, AreThoseOfThePage) {
  const std::vector<std::string> known(std::begin(kKnownConditions), std::end(kKnownConditions));
  EXPECT_THAT(known, ::testing::UnorderedElementsAreArray(OnThePage()));
}

}  // namespace
}  // namespace hotplugger::server
