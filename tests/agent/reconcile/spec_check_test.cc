#include "agent/reconcile/spec_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/digest.h"
#include "tests/fakes/proto_text.h"

namespace hotplugger::agent {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

v1::Spec Pack(const v1::NodeSpec& body) {
  v1::Spec spec;
  spec.set_body(body.SerializeAsString());
  spec.set_digest(Sha256Hex(spec.body()));
  return spec;
}

std::vector<std::string> Check(const v1::NodeSpec& body) {
  v1::NodeSpec parsed;
  return CheckSpec(Pack(body), &parsed);
}

TEST(SpecCheckTest, TakesAGoodOne) {
  v1::NodeSpec body;
  body.set_cpu_offline("2-3");
  body.add_drivers_active("alucard");
  v1::NodeSpec parsed;
  EXPECT_THAT(CheckSpec(Pack(body), &parsed), IsEmpty());
  EXPECT_EQ(parsed.cpu_offline(), "2-3");
}

TEST(SpecCheckTest, TakesTheEmptyOne) { EXPECT_THAT(Check({}), IsEmpty()); }

TEST(SpecCheckTest, RefusesADigestOfSomethingElse) {
  v1::Spec spec = Pack({});
  spec.set_body("x");
  v1::NodeSpec parsed;
  EXPECT_THAT(CheckSpec(spec, &parsed), ElementsAre(HasSubstr("digest")));
}

TEST(SpecCheckTest, RefusesWhatIsNoSpec) {
  v1::Spec spec;
  spec.set_body("\xff\xff\xff");
  spec.set_digest(Sha256Hex(spec.body()));
  v1::NodeSpec parsed;
  EXPECT_THAT(CheckSpec(spec, &parsed), ElementsAre(HasSubstr("not a NodeSpec")));
}

TEST(SpecCheckTest, RefusesWhatIsTooLong) {
  v1::NodeSpec body;
  for (int i = 0; i < 30'000; ++i) body.add_drivers_stopped("driver-name");
  EXPECT_THAT(Check(body), ElementsAre(HasSubstr("262144")));
}

TEST(SpecCheckTest, NamesEveryProblem) {
  v1::NodeSpec body;
  body.set_cpu_offline("3-1");
  body.set_cpu_online("x");
  body.add_drivers_active("a/b");
  (*body.mutable_driver_whitelists())["alucard"].add_drivers("alucard");
  EXPECT_THAT(Check(body), ElementsAre(HasSubstr("3-1"), HasSubstr("\"x\""), HasSubstr("a/b"),
                                       HasSubstr("the driver itself")));
}

TEST(SpecCheckTest, RefusesContradictions) {
  v1::NodeSpec body;
  body.set_cpu_offline("1-3");
  body.set_cpu_online("2");
  body.add_drivers_active("alucard");
  body.add_drivers_stopped("Alucard");
  EXPECT_THAT(Check(body), ElementsAre(HasSubstr("cpu2"), HasSubstr("both active and stopped")));
}

TEST(SpecCheckTest, TakesEverySetting) {
  v1::NodeSpec body;
  body.set_cpu_offline("3");
  body.set_smt(v1::SMT_CONTROL_OFF);
  body.set_cpu_hot_add(v1::HOT_ADD_ONLINE);
  body.set_memory_offline("32-39");
  body.set_memory_online("4");
  body.set_memory_hot_add(v1::HOT_ADD_ONLINE_MOVABLE);
  body.add_devices_offline("container/PNP0A06:00");
  body.add_cores_offline("0-0-3");
  body.add_cores_online("1-0-3");
  body.add_report_drift_of("cpu_offline");
  body.add_leave_on_release("smt");
  body.set_cpu_held("3");
  body.set_memory_held("32");
  body.add_drivers_held("alucard");
  EXPECT_THAT(Check(body), IsEmpty());
}

// Each body is wrong in one place; the field and a word of the problem.
TEST(SpecCheckTest, RefusesEveryWrongSetting) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"cpu_online_count: 0", "cpu_online_count: 0"},
      {"cpu_online_count: 8193", "cpu_online_count: 8193"},
      {"cpu_online_percent: 0", "cpu_online_percent: 0"},
      {"cpu_online_percent: 101", "cpu_online_percent: 101"},
      {"cpu_online_count: 2 cpu_online_percent: 50", "both set"},
      {"smt: SMT_CONTROL_PARTIAL", "smt: 6"},
      {"cpu_hot_add: HOT_ADD_ONLINE_MOVABLE", "cpu_hot_add: 3"},
      {"memory_offline: '3-1'", "memory_offline: "},
      {"memory_online: 'x'", "memory_online: "},
      {"memory_offline: '4-5' memory_online: '5'", "memory5"},
      {"memory_offline_bytes: 0", "memory_offline_bytes: is 0"},
      {"devices_offline: '../x'", "devices_offline: "},
      {"devices_online: 'cpu3'", "no generic device"},
      {"memory_offline_bytes: 18446744073709551615", "is above"},
      {"devices_online: 'a/b' devices_offline: 'a/b'", "a/b is to be both"},
      {"cores_offline: '0-3'", "cores_offline: \"0-3\" is not three numbers"},
      {"cores_online: '0-0-03'", "cores_online: \"0-0-03\" has no number"},
      {"cores_offline: '0-0-3' cores_online: '0-0-3'", "core 0-0-3 is to be both"},
      {"report_drift_of: 'cpu.offline'", "report_drift_of: \"cpu.offline\" is no setting"},
      {"leave_on_release: 'nonsense'", "leave_on_release: \"nonsense\" is no setting"},
      {"cpu_held: '3-1'", "cpu_held: "},
      {"memory_held: 'x'", "memory_held: "},
      {"drivers_held: 'a/b'", "drivers_held: "},
  };
  for (const auto& [text, problem] : cases) {
    EXPECT_THAT(Check(testing::FromText<v1::NodeSpec>(text)), ElementsAre(HasSubstr(problem)))
        << text;
  }
}

TEST(SpecCheckTest, RefusesWhatANewerControllerWants) {
  v1::NodeSpec body;
  body.GetReflection()->MutableUnknownFields(&body)->AddVarint(999, 1);
  EXPECT_THAT(Check(body), ElementsAre(HasSubstr("upgrade the agent")));
}

}  // namespace
}  // namespace hotplugger::agent
