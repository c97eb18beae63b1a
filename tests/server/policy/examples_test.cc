// What the examples teach must be what the controller takes, alone and all together.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "client/policy_file/policy_file.h"
#include "server/policy/normalize.h"
#include "server/policy/policy_validator.h"
#include "server/policy/resolver.h"

namespace hotplugger::server {
namespace {

// By name.
std::vector<v1::Policy> ReadExamples() {
  std::vector<v1::Policy> policies;
  for (const auto& entry : std::filesystem::directory_iterator(HOTPLUGGER_SOURCE_DIR "/examples")) {
    if (entry.path().extension() != ".yaml") continue;
    const auto read = client::ReadPolicyFile(entry.path());
    EXPECT_TRUE(read.ok()) << read.status();
    if (read.ok()) policies.insert(policies.end(), read->begin(), read->end());
  }
  EXPECT_GE(policies.size(), 7u);
  return policies;
}

TEST(ExamplesTest, EachIsValidAndAsksForSomething) {
  for (v1::Policy& policy : ReadExamples()) {
    for (const FieldViolation& violation : ValidatePolicy(policy)) {
      ADD_FAILURE() << policy.name() << ": " << violation.field << ": " << violation.description;
    }
    NormalizePolicy(&policy);
    policy.clear_selector();
    policy.mutable_selector()->add_nodes("n1");
    EXPECT_NE(Resolve("n1", {}, {&policy}, {}).body, "") << policy.name();
  }
}

v1::NodeSpec SpecOf(const std::string& name) {
  for (v1::Policy& policy : ReadExamples()) {
    if (policy.name() != name) continue;
    NormalizePolicy(&policy);
    policy.clear_selector();
    policy.mutable_selector()->add_nodes("n1");
    return Resolve("n1", {}, {&policy}, {}).spec;
  }
  ADD_FAILURE() << "no example " << name;
  return {};
}

TEST(ExamplesTest, DeviceExamplesSayWhatTheyShow) {
  EXPECT_EQ(SpecOf("smt-off").smt(), v1::SMT_CONTROL_OFF);
  EXPECT_EQ(SpecOf("park-half").cpu_online_percent(), 50);
  EXPECT_EQ(SpecOf("memory-hot-add").memory_hot_add(), v1::HOT_ADD_ONLINE_MOVABLE);
}

}  // namespace
}  // namespace hotplugger::server
