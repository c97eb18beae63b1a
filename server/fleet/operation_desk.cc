#include "server/fleet/operation_desk.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/clock.h"
#include "common/error_info.h"
#include "common/proto_time.h"
#include "common/rpc_status.h"

namespace hotplugger::server {
namespace {

// What a node has to spare of a question's time, so that its own word on a deadline arrives.
constexpr absl::Duration kMaxMargin = absl::Seconds(2);

v1::OperationResult Failed(const absl::Status& status) {
  v1::OperationResult result;
  *result.mutable_error() = ToRpcStatus(status);
  return result;
}

absl::Status AnswerLost(const std::string& node) {
  return MakeError(absl::StatusCode::kUnavailable, "ANSWER_LOST",
                   absl::StrCat("the connection to node ", node,
                                " ended before it answered: it is not known whether it did what "
                                "it was asked; look at it once it is back"),
                   {{"node", node}});
}

absl::Status NoAnswer(const std::string& node, bool sent) {
  return MakeError(
      absl::StatusCode::kDeadlineExceeded, sent ? "NO_ANSWER" : "NOT_BEGUN",
      sent ? absl::StrCat("node ", node,
                          " has not answered within the deadline: it is not known whether it did "
                          "what it was asked, or still will; look at it")
           : absl::StrCat("node ", node,
                          " was busy with earlier operations until the deadline, so it was not "
                          "asked"),
      {{"node", node}});
}

absl::Status Busy(const std::string& node) {
  return MakeError(absl::StatusCode::kResourceExhausted, "NODE_BUSY",
                   absl::StrCat(OperationDesk::kMaxWaiting, " operations wait for node ", node,
                                " already; try again when they are done"),
                   {{"node", node}});
}

absl::Status ShuttingDown(const std::string& node, bool sent) {
  if (sent) {
    return MakeError(absl::StatusCode::kUnavailable, "ANSWER_LOST",
                     absl::StrCat("the controller is shutting down before node ", node,
                                  " has answered: it goes on with what it was asked; look at it "
                                  "once the controller is back"),
                     {{"node", node}});
  }
  return MakeError(absl::StatusCode::kUnavailable, "SHUTTING_DOWN",
                   absl::StrCat("the controller is shutting down, so nothing was asked of node ",
                                node, "; try again once it is back"),
                   {{"node", node}});
}

}  // namespace

OperationDesk::OperationDesk(NodeRegistry* registry, uint64_t epoch)
    : registry_(registry), epoch_(epoch), thread_([this] { Run(); }) {}

std::string OperationDesk::IdOf(const Question& question) const {
  return absl::StrCat(epoch_, "-", question.number);
}

uint64_t OperationDesk::Ask(const std::string& node, const v1::Operation& operation,
                            absl::Duration deadline, Answer answer) {
  absl::Status refusal;
  uint64_t number = 0;
  {
    MutexLock lock(&mutex_);
    number = ++last_number_;
    const auto queue = questions_.find(node);
    if (stopped_) {
      refusal = ShuttingDown(node, /*sent=*/false);
    } else if (queue != questions_.end() && queue->second.size() >= kMaxWaiting) {
      refusal = Busy(node);
    } else {
      questions_[node].push_back({number, operation, SteadyNow() + deadline, std::move(answer)});
      changed_.NotifyAll();
    }
  }
  if (refusal.ok()) {
    SendNext(node);
  } else {
    answer(Failed(refusal));
  }
  return number;
}

void OperationDesk::Withdraw(const std::string& node, uint64_t question, const absl::Status& why) {
  Answer withdrawn;
  {
    MutexLock lock(&mutex_);
    const auto queue = questions_.find(node);
    if (queue == questions_.end()) return;
    const auto it = std::find_if(
        queue->second.begin(), queue->second.end(),
        [question](const Question& each) { return each.number == question && each.stream == 0; });
    if (it == queue->second.end()) return;
    withdrawn = std::move(it->answer);
    queue->second.erase(it);
    if (queue->second.empty()) questions_.erase(queue);
  }
  withdrawn(Failed(why));
}

void OperationDesk::SendNext(const std::string& node) {
  const absl::StatusOr<NodeRegistry::Stream> stream = registry_->FindStream(node);
  if (!stream.ok()) return FailUnsent(node, stream.status());
  // It has yet to be welcomed; StreamReady tells.
  if (stream->link == nullptr) return;
  v1::ControllerMessage message;
  {
    MutexLock lock(&mutex_);
    const auto queue = questions_.find(node);
    if (queue == questions_.end() || queue->second.front().stream != 0) return;
    Question& question = queue->second.front();
    question.stream = stream->key.id;
    message.set_epoch(epoch_);
    message.mutable_operation()->set_id(IdOf(question));
    *message.mutable_operation()->mutable_operation() = question.operation;
    const absl::Duration left = std::max(question.deadline - SteadyNow(), absl::ZeroDuration());
    SetDuration(left - std::min(kMaxMargin, left / 10),
                message.mutable_operation()->mutable_deadline());
  }
  stream->link->Send(message);
  // It may have ended before the question said that it was its own; then nobody else would tell.
  const absl::StatusOr<NodeRegistry::Stream> now = registry_->FindStream(node);
  if (!now.ok() || now->key.id != stream->key.id) StreamEnded(stream->key);
}

void OperationDesk::FailUnsent(const std::string& node, const absl::Status& status) {
  std::vector<Finished> failed;
  {
    MutexLock lock(&mutex_);
    const auto queue = questions_.find(node);
    if (queue == questions_.end()) return;
    Queue sent;
    for (Question& question : queue->second) {
      if (question.stream != 0) {
        sent.push_back(std::move(question));
      } else {
        failed.push_back({std::move(question.answer), Failed(status)});
      }
    }
    queue->second = std::move(sent);
    if (queue->second.empty()) questions_.erase(queue);
  }
  for (Finished& each : failed) each.answer(std::move(each.result));
}

void OperationDesk::Answered(const StreamKey& stream, const v1::NodeOperationResult& result) {
  Answer answer;
  {
    MutexLock lock(&mutex_);
    const auto queue = questions_.find(stream.node);
    if (queue == questions_.end()) return;
    Question& first = queue->second.front();
    if (IdOf(first) != result.id() || first.stream != stream.id) return;
    answer = std::move(first.answer);
    queue->second.pop_front();
    if (queue->second.empty()) questions_.erase(queue);
  }
  answer(result.result());
  SendNext(stream.node);
}

void OperationDesk::StreamEnded(const StreamKey& stream) {
  Answer lost;
  {
    MutexLock lock(&mutex_);
    const auto queue = questions_.find(stream.node);
    if (queue == questions_.end()) return;
    if (queue->second.front().stream == stream.id) {
      lost = std::move(queue->second.front().answer);
      queue->second.pop_front();
      if (queue->second.empty()) questions_.erase(queue);
    }
  }
  if (lost) lost(Failed(AnswerLost(stream.node)));
  // The others go to the stream that has taken its place, or fail.
  SendNext(stream.node);
}

void OperationDesk::Expire() {
  std::vector<Finished> expired;
  std::vector<std::string> free_nodes;
  {
    MutexLock lock(&mutex_);
    const absl::Time now = SteadyNow();
    for (auto queue = questions_.begin(); queue != questions_.end();) {
      Queue left;
      bool sent_expired = false;
      for (Question& question : queue->second) {
        if (question.deadline > now) {
          left.push_back(std::move(question));
          continue;
        }
        sent_expired = sent_expired || question.stream != 0;
        expired.push_back(
            {std::move(question.answer), Failed(NoAnswer(queue->first, question.stream != 0))});
      }
      queue->second = std::move(left);
      if (sent_expired && !queue->second.empty()) free_nodes.push_back(queue->first);
      queue = queue->second.empty() ? questions_.erase(queue) : std::next(queue);
    }
  }
  for (Finished& each : expired) each.answer(std::move(each.result));
  for (const std::string& node : free_nodes) SendNext(node);
}

void OperationDesk::Run() {
  for (;;) {
    {
      MutexLock lock(&mutex_);
      if (stopped_) return;
      absl::Time next = absl::InfiniteFuture();
      for (const auto& [node, queue] : questions_) {
        for (const Question& question : queue) next = std::min(next, question.deadline);
      }
      if (SteadyNow() < next) {
        changed_.WaitUntil(&mutex_, next);
        continue;
      }
    }
    Expire();
  }
}

void OperationDesk::Stop() {
  std::map<std::string, Queue> left;
  {
    MutexLock lock(&mutex_);
    stopped_ = true;
    left.swap(questions_);
    changed_.NotifyAll();
  }
  for (auto& [node, queue] : left) {
    for (Question& question : queue) {
      question.answer(Failed(ShuttingDown(node, question.stream != 0)));
    }
  }
  if (thread_.joinable()) thread_.join();
}

}  // namespace hotplugger::server
