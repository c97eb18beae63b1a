// The reasons that operations end with before a write, as docs/causes.md lists them.

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>
#include <string>

namespace hotplugger::agent {
namespace {

using Words = std::set<std::string>;

std::string ReadText(const std::filesystem::path& file) {
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  return text.str();
}

Words FindAll(const std::string& text, const std::string& pattern) {
  const std::regex expression(pattern);
  Words found;
  for (std::sregex_iterator match(text.begin(), text.end(), expression), end; match != end;
       ++match) {
    found.insert(match->str(1));
  }
  return found;
}

// Reasons in the sources of a folder, or of one file.
Words ReasonsOf(const std::string& place) {
  const std::filesystem::path path = std::filesystem::path(HOTPLUGGER_SOURCE_DIR) / place;
  std::string text;
  if (std::filesystem::is_directory(path)) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(path)) {
      if (entry.path().extension() == ".cc") text += ReadText(entry.path());
    }
  } else {
    text = ReadText(path);
  }
  return FindAll(text, "\"([A-Z]+(?:_[A-Z]+)+)\"");
}

// What no operation ends with: of the log, of a journal and of a driver's file that can't be read.
const Words& NoneOfOperations() {
  static const auto* const words =
      new Words{"PROVIDER_FAILED", "PROVIDER_HANGS", "FILE_TOO_LARGE", "BAD_KNOB_PATH"};
  return *words;
}

const char* const kPlaces[] = {"agent/devices/rules",
                               "agent/devices/operations",
                               "agent/drivers",
                               "agent/reconcile/device_pass.cc",
                               "agent/reconcile/held_by_spec.cc",
                               "agent/reconcile/held_cores.cc",
                               "agent/reconcile/host_spec_plan.cc",
                               "agent/reconcile/local_device_operations.cc",
                               "agent/reconcile/local_driver_operations.cc",
                               "agent/reconcile/remote_operations.cc",
                               "common/work_queue.cc"};

TEST(RefusalsPageTest, ListsWhatOperationsEndWithAndNothingElse) {
  const std::string page = ReadText(HOTPLUGGER_SOURCE_DIR "/docs/causes.md");
  const Words named = FindAll(page, "`([A-Z]+(?:_[A-Z]+)+)`");
  Words reasons;
  for (const char* const place : kPlaces) {
    const Words found = ReasonsOf(place);
    EXPECT_FALSE(found.empty()) << place;
    reasons.insert(found.begin(), found.end());
  }
  for (const std::string& word : NoneOfOperations()) {
    EXPECT_EQ(reasons.erase(word), 1u) << word << " is in no source any more";
  }
  for (const std::string& reason : reasons) {
    EXPECT_EQ(named.count(reason), 1u) << "docs/causes.md lacks " << reason;
  }
  const size_t begin = page.find("## Refusals before a write");
  ASSERT_NE(begin, std::string::npos);
  const Words listed = FindAll(page.substr(begin), "\n\\| `([A-Z_]+)` \\|");
  EXPECT_GT(listed.size(), 60u);
  for (const std::string& reason : listed) {
    EXPECT_EQ(reasons.count(reason), 1u) << "no operation ends with " << reason;
  }
}

}  // namespace
}  // namespace hotplugger::agent
