#include "agent/devices/inventory/kubelet_state.h"

#include <utility>

#include "tests/agent/devices/inventory/tree_fixture.h"

namespace hotplugger::agent {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<std::string> Parse(const std::string& json) {
  std::vector<std::string> lines;
  const auto owners = ParseCpuManagerState(json, "FILE");
  EXPECT_TRUE(owners.ok()) << owners.status();
  if (!owners.ok()) return lines;
  for (const ExclusiveCpus& owner : *owners) {
    lines.push_back(owner.owner + ": " + FormatCpuList(owner.cpus));
  }
  return lines;
}

TEST(KubeletStateTest, ReadsContainersOfPods) {
  EXPECT_THAT(Parse(R"({"policyName":"static","defaultCpuSet":"0,4-7",
                        "entries":{"b":{"web":"1","sidecar":"2-3"},"a":{"db":"8,10"}},
                        "checksum":18446744073709551615})"),
              ElementsAre("kubelet container a/db: 8,10", "kubelet container b/sidecar: 2-3",
                          "kubelet container b/web: 1"));
}

TEST(KubeletStateTest, ReadsTheOlderForm) {
  EXPECT_THAT(Parse(R"({"policyName":"static","entries":{"0123abc":"2-3"}})"),
              ElementsAre("kubelet container 0123abc: 2-3"));
}

TEST(KubeletStateTest, NothingIsExclusive) {
  for (const char* json : {
           R"({"policyName":"none","defaultCpuSet":"","checksum":1353318690})",
           R"({"policyName":"static","defaultCpuSet":"0-3"})",
           R"({"policyName":"static","entries":null})",
           R"({"policyName":"static","entries":{}})",
           R"({"policyName":"static","entries":{"pod":{"web":""}}})",
       }) {
    EXPECT_THAT(Parse(json), IsEmpty()) << json;
  }
}

TEST(KubeletStateTest, DamageNamesTheFileAndWhatIsWrong) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "not JSON"},
      {R"({"policyName":"static","entries":{"pod)", "not JSON"},
      {R"(["static"])", "not JSON"},
      {"{}", "no policyName"},
      {R"({"policyName":7})", "no policyName"},
      {R"({"policyName":"static","entries":"2-3"})", "no object"},
      {R"({"policyName":"static","entries":{"pod":{"web":2}}})", "entries[pod/web]"},
      {R"({"policyName":"static","entries":{"pod":["2"]}})", "entries[pod]"},
      {R"({"policyName":"static","entries":{"pod":{"web":"3-2"}}})", "3-2"},
  };
  for (const auto& [json, problem] : cases) {
    const absl::Status status = ParseCpuManagerState(json, "/var/FILE").status();
    EXPECT_EQ(ErrorReason(status), "BAD_CPU_MANAGER_STATE") << json;
    EXPECT_THAT(std::string(status.message()), HasSubstr("/var/FILE")) << json;
    EXPECT_THAT(std::string(status.message()), HasSubstr(problem)) << json;
  }
}

TEST(KubeletStateTest, DeepNestingIsNotJson) {
  const std::string deep(100'000, '[');
  EXPECT_EQ(ErrorReason(ParseCpuManagerState(deep, "FILE").status()), "BAD_CPU_MANAGER_STATE");
}

using KubeletFileTest = testing::TreeTest;

TEST_F(KubeletFileTest, TheFileMayBeMissing) {
  EXPECT_TRUE(ReadKubeletCpus(*tree_)->empty());
  dir_.Write("var/lib/kubelet/cpu_manager_state", "{");
  EXPECT_THAT(std::string(ReadKubeletCpus(*tree_).status().message()),
              HasSubstr(dir_.Path("var/lib/kubelet/cpu_manager_state")));
}

}  // namespace
}  // namespace hotplugger::agent
