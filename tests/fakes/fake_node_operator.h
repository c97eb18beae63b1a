#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "common/rpc_status.h"
#include "server/fleet/operation_desk.h"

namespace hotplugger::testing {

// Answers when a test says so. Not safe for concurrent use.
class FakeNodeOperator final : public server::NodeOperator {
 public:
  uint64_t Ask(const std::string& node, const v1::Operation& /*operation*/,
               absl::Duration /*deadline*/, Answer answer) override {
    asked.push_back(node);
    if (at_once.ok()) {
      answers.push_back(std::move(answer));
    } else {
      answer(ResultOf(at_once));
    }
    return asked.size();
  }

  void Withdraw(const std::string& node, uint64_t question, const absl::Status& why) override {
    withdrawn.push_back(node);
    EXPECT_EQ(asked[question - 1], node);
    if (!unsent) return;
    Answer answer = std::move(answers.back());
    answers.pop_back();
    answer(ResultOf(why));
  }

  // Of those who have no answer yet, the first one asked has one now.
  void AnswerNext(const absl::Status& status = absl::OkStatus()) {
    Answer answer = std::move(answers.front());
    answers.erase(answers.begin());
    answer(ResultOf(status));
  }

  std::vector<std::string> asked;
  std::vector<std::string> withdrawn;
  std::vector<Answer> answers;
  // Where it is an error, everybody answers with it as they are asked.
  absl::Status at_once;
  // Whether the last one asked waits for its node's earlier questions.
  bool unsent = false;

 private:
  static v1::OperationResult ResultOf(const absl::Status& status) {
    v1::OperationResult result;
    if (status.ok()) {
      result.mutable_enable_driver();
    } else {
      *result.mutable_error() = ToRpcStatus(status);
    }
    return result;
  }
};

}  // namespace hotplugger::testing
