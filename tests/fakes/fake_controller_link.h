#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/reconcile/controller_link.h"
#include "common/clock.h"
#include "common/mutex.h"

namespace hotplugger::testing {

// Keeps what the reconciler said, for a test to wait on. Safe for concurrent use.
class FakeControllerLink final : public agent::ControllerLink {
 public:
  void SendAck(const v1::SpecAck& ack) override {
    MutexLock lock(&mutex_);
    acks_.push_back(ack);
    changed_.NotifyAll();
  }
  void SendOperationResult(const v1::NodeOperationResult& result) override {
    MutexLock lock(&mutex_);
    results_.push_back(result);
    changed_.NotifyAll();
  }
  void SendReport(const v1::NodeReport& report) override {
    MutexLock lock(&mutex_);
    reports_.push_back(report);
    changed_.NotifyAll();
  }
  // Among the reports, too, in the order in which they were sent.
  void SendRejection(const v1::NodeReport& report) override {
    SendReport(report);
    MutexLock lock(&mutex_);
    rejection_ = report;
  }
  void ForgetRejection() override {
    MutexLock lock(&mutex_);
    rejection_.reset();
    changed_.NotifyAll();
  }
  void SendInventory(const v1::Inventory& inventory) override {
    MutexLock lock(&mutex_);
    inventories_.push_back(inventory);
    changed_.NotifyAll();
  }

  void NoteSpecTaken(uint64_t epoch, int64_t store_revision) override {
    MutexLock lock(&mutex_);
    spec_taken_ = {epoch, store_revision};
  }

  // What the last spec that was taken came with: its epoch, and its store_revision.
  std::pair<uint64_t, int64_t> spec_taken() {
    MutexLock lock(&mutex_);
    return spec_taken_;
  }

  // The first report, from the `from`th on, that fits; nullopt after 20 s without one.
  std::optional<v1::NodeReport> AwaitReport(const std::function<bool(const v1::NodeReport&)>& fits,
                                            size_t from = 0) {
    return Await(reports_, fits, from);
  }
  std::optional<v1::NodeOperationResult> AwaitResult(const std::string& id) {
    const std::function<bool(const v1::NodeOperationResult&)> fits =
        [&id](const v1::NodeOperationResult& result) { return result.id() == id; };
    return Await(results_, fits, 0);
  }
  std::optional<v1::SpecAck> AwaitAck(const std::function<bool(const v1::SpecAck&)>& fits) {
    return Await(acks_, fits, 0);
  }
  std::optional<v1::Inventory> AwaitInventory(const std::function<bool(const v1::Inventory&)>& fits,
                                              size_t from = 0) {
    return Await(inventories_, fits, from);
  }
  size_t inventory_count() {
    MutexLock lock(&mutex_);
    return inventories_.size();
  }

  // What would be sent on the next connection.
  std::optional<v1::NodeReport> rejection() {
    MutexLock lock(&mutex_);
    return rejection_;
  }

  // Whether there is none within 20 s.
  bool AwaitNoRejection() {
    const absl::Time deadline = SteadyNow() + absl::Seconds(20);
    MutexLock lock(&mutex_);
    while (rejection_ && SteadyNow() < deadline) changed_.WaitUntil(&mutex_, deadline);
    return !rejection_;
  }

  size_t report_count() {
    MutexLock lock(&mutex_);
    return reports_.size();
  }

 private:
  template <typename Message>
  std::optional<Message> Await(const std::vector<Message>& messages,
                               const std::function<bool(const Message&)>& fits, size_t from) {
    const absl::Time deadline = SteadyNow() + absl::Seconds(20);
    MutexLock lock(&mutex_);
    for (size_t i = from;; ++i) {
      while (i >= messages.size()) {
        if (SteadyNow() >= deadline) return std::nullopt;
        changed_.WaitUntil(&mutex_, deadline);
      }
      if (fits(messages[i])) return messages[i];
    }
  }

  Mutex mutex_;
  CondVar changed_;
  std::vector<v1::SpecAck> acks_;
  std::vector<v1::NodeOperationResult> results_;
  std::vector<v1::NodeReport> reports_;
  std::optional<v1::NodeReport> rejection_;
  std::vector<v1::Inventory> inventories_;
  std::pair<uint64_t, int64_t> spec_taken_;
};

}  // namespace hotplugger::testing
