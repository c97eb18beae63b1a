#include "agent/devices/inventory/smt.h"

#include "tests/agent/devices/inventory/tree_fixture.h"

namespace hotplugger::agent {
namespace {

TEST(SmtControlTest, ReadsEveryWord) {
  struct Case {
    const char* text;
    v1::SmtControl control;
    int threads;
  };
  for (const Case& c : {Case{"on\n", v1::SMT_CONTROL_ON, 0}, Case{"off\n", v1::SMT_CONTROL_OFF, 0},
                        Case{"forceoff\n", v1::SMT_CONTROL_FORCEOFF, 0},
                        Case{"notsupported\n", v1::SMT_CONTROL_NOT_SUPPORTED, 0},
                        Case{"notimplemented\n", v1::SMT_CONTROL_NOT_IMPLEMENTED, 0},
                        Case{"2\n", v1::SMT_CONTROL_PARTIAL, 2}}) {
    const v1::SmtStatus smt = *ParseSmtControl(c.text);
    EXPECT_EQ(smt.control(), c.control) << c.text;
    EXPECT_EQ(smt.has_threads_per_core(), c.threads > 0) << c.text;
    EXPECT_EQ(smt.threads_per_core(), c.threads) << c.text;
  }
}

TEST(SmtControlTest, GarbageIsAnError) {
  for (const char* text : {"", "\n", "ON", "0", "-1", "2x", "on on", "12345678901"}) {
    const absl::Status status = ParseSmtControl(text).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInternal) << text;
    EXPECT_EQ(ErrorReason(status), "BAD_KERNEL_ANSWER") << text;
  }
}

class SmtTest : public testing::TreeTest {
 protected:
  void Smt(const std::string& name, const std::string& content) {
    dir_.Write("sys/devices/system/cpu/smt/" + name, content);
  }
};

TEST_F(SmtTest, ReadsControlAndActive) {
  Smt("control", "off\n");
  Smt("active", "1\n");
  const v1::SmtStatus smt = *ReadSmt(*tree_);
  EXPECT_EQ(smt.control(), v1::SMT_CONTROL_OFF);
  EXPECT_TRUE(smt.active());
}

TEST_F(SmtTest, AKernelWithoutTheFolder) {
  EXPECT_EQ(ReadSmt(*tree_)->control(), v1::SMT_CONTROL_NOT_SUPPORTED);
}

TEST_F(SmtTest, GarbageNamesTheFileAndTheValue) {
  Smt("control", "maybe\n");
  Smt("active", "2\n");
  ExpectBadAnswer(ReadSmt(*tree_).status(), "sys/devices/system/cpu/smt/control", "maybe");
  Smt("control", "on\n");
  ExpectBadAnswer(ReadSmt(*tree_).status(), "sys/devices/system/cpu/smt/active", "2");
}

}  // namespace
}  // namespace hotplugger::agent
