// docs/agent-config.md and the table of keys say the same.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "agent/config/config_keys.h"
#include "common/yaml/text_file.h"

namespace hotplugger::agent {

// For messages of tests.
void PrintTo(const ConfigKeyText& text, std::ostream* out) {
  *out << "| `" << text.key << "` | " << text.type << " | " << text.range << " | "
       << text.default_value << " | … |";
}

namespace {

std::vector<ConfigKeyText> RowsOfThePage(const std::string& page) {
  std::vector<ConfigKeyText> rows;
  for (const absl::string_view line : absl::StrSplit(page, '\n')) {
    if (!absl::StartsWith(line, "| `")) continue;
    const std::vector<std::string> cells = absl::StrSplit(line, " | ");
    EXPECT_EQ(cells.size(), 5u) << line;
    if (cells.size() != 5) continue;
    EXPECT_GT(cells[4].size(), 10u) << "what it means: " << line;
    rows.push_back({cells[0].substr(3, cells[0].size() - 4), cells[1], cells[2], cells[3]});
  }
  return rows;
}

TEST(ConfigPageTest, ListsEveryKeyAsTheCodeHasIt) {
  const auto page = ReadTextFile(HOTPLUGGER_SOURCE_DIR "/docs/agent-config.md");
  ASSERT_TRUE(page.ok()) << page.status();
  std::vector<ConfigKeyText> keys;
  for (const ConfigKey& key : ConfigKeys()) keys.push_back(DescribeConfigKey(key));
  EXPECT_EQ(RowsOfThePage(*page), keys);
}

}  // namespace
}  // namespace hotplugger::agent
