// hotplugctl retry: a spec that was given up is tried once more.
#include "common/error_info.h"
#include "common/rpc_status.h"
#include "tests/client/command_line_fixture.h"

namespace hotplugger::client {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using RetryVerbTest = CommandLineTest;

TEST_F(RetryVerbTest, TellsWhatMayBeTriedAgain) {
  const std::string digest(64, 'a');
  fleet.node_answers = {Proto<v1::OperateNodesResponse>("node: 'b' result { retry_spec {} }"),
                        Proto<v1::OperateNodesResponse>(
                            "node: 'a' result { retry_spec { digest: '" + digest + "' } }")};
  EXPECT_EQ(Run({"retry", "a", "b", "-n", "c", "-l", "pool=lab", "--reason", "new firmware"}), 0)
      << err;
  EXPECT_EQ(out, "NODE  WHAT\na     spec " + digest +
                     " may be tried again\nb     nothing: no spec had been given up\n");
  const v1::OperateNodesRequest& request = fleet.operations.at(0);
  EXPECT_TRUE(request.operation().has_retry_spec());
  EXPECT_EQ(request.operation().retry_spec().digest(), "");
  EXPECT_THAT(request.selector().nodes(), ElementsAre("c", "a", "b"));
  EXPECT_EQ(request.note().reason(), "new firmware");
  EXPECT_EQ(Run({"retry", "a", "--digest", digest}), 0);
  EXPECT_EQ(fleet.operations.at(1).operation().retry_spec().digest(), digest);
}

TEST_F(RetryVerbTest, ANodeThatCantIsNamed) {
  v1::OperateNodesResponse refused;
  refused.set_node("b");
  *refused.mutable_result()->mutable_error() = ToRpcStatus(
      MakeError(absl::StatusCode::kUnavailable, "NODE_NOT_CONNECTED", "b is not connected"));
  fleet.node_answers = {Proto<v1::OperateNodesResponse>("node: 'a' result { retry_spec {} }"),
                        refused};
  EXPECT_EQ(Run({"retry", "a", "b"}), 64);
  EXPECT_EQ(err, "hotplugctl: b: b is not connected (NODE_NOT_CONNECTED)\n");
  fleet.node_answers.clear();
  fleet.operation_end = MakeError(absl::StatusCode::kUnavailable, "CONNECTION_LOST", "broke");
  EXPECT_EQ(Run({"retry", "a"}), 69);
  EXPECT_THAT(err,
              HasSubstr("no node has answered; some may have been asked and do it all the same; "
                        "`hotplugctl get nodes` shows how they fare"));
}

TEST_F(RetryVerbTest, WrongArgumentsAskNobody) {
  EXPECT_EQ(Run({"retry"}), 2);
  EXPECT_THAT(err, HasSubstr("name nodes by"));
  EXPECT_EQ(Run({"retry", "a", "--digest", "abc"}), 2);
  EXPECT_THAT(err, HasSubstr("--digest: \"abc\" is no digest"));
  EXPECT_THAT(fleet.operations, IsEmpty());
}

}  // namespace
}  // namespace hotplugger::client
