#include "agent/reconcile/lenient_settings.h"

#include <gtest/gtest.h>

#include "tests/fakes/proto_text.h"

namespace hotplugger::agent {
namespace {

using testing::FromText;

TEST(LenientSettingsTest, CoversWhatItsSettingsSay) {
  const auto spec = FromText<v1::NodeSpec>(
      "report_drift_of: 'cpu_offline' leave_on_release: ['smt', 'memory_offline']");
  const LenientSettings reported = LenientSettings::ReportedDrift(spec);
  EXPECT_TRUE(reported.Covers("cpu_offline", "cpu3"));
  EXPECT_FALSE(reported.Covers("memory_offline", "memory3"));
  const LenientSettings left = LenientSettings::LeftOnRelease(spec);
  EXPECT_TRUE(left.Covers("smt", "smt"));
  EXPECT_TRUE(left.Covers("memory_offline", "memory3"));
  EXPECT_FALSE(left.Covers("cpu_offline", "cpu3"));
  EXPECT_FALSE(LenientSettings().Covers("cpu_offline", "cpu3"));
}

TEST(LenientSettingsTest, NeverWhatHoldsSay) {
  const auto spec = FromText<v1::NodeSpec>(
      "report_drift_of: ['cpu_offline', 'drivers_stopped', 'memory_offline'] "
      "cpu_held: '3' memory_held: '32' drivers_held: 'Bricked'");
  const LenientSettings reported = LenientSettings::ReportedDrift(spec);
  EXPECT_FALSE(reported.Covers("cpu_offline", "cpu3"));
  EXPECT_TRUE(reported.Covers("cpu_offline", "cpu2"));
  EXPECT_FALSE(reported.Covers("memory_offline", "memory32"));
  EXPECT_FALSE(reported.Covers("drivers_stopped", "driver/bricked"));
  EXPECT_TRUE(reported.Covers("drivers_stopped", "driver/alucard"));
}

TEST(LenientSettingsTest, ExceptionsAreStrict) {
  const auto spec =
      FromText<v1::NodeSpec>("report_drift_of: ['cpu_offline', 'drivers_active', 'smt']");
  const LenientSettings reported =
      LenientSettings::ReportedDrift(spec).Except({"cpu3", "driver/alucard"});
  EXPECT_FALSE(reported.Covers("cpu_offline", "cpu3"));
  EXPECT_TRUE(reported.Covers("cpu_offline", "cpu2"));
  EXPECT_TRUE(reported.Covers("smt", "smt"));
  EXPECT_FALSE(reported.Covers("drivers_active", "driver")) << "a set is switched as a whole";
}

}  // namespace
}  // namespace hotplugger::agent
