// A link that keeps what it was given.
#pragma once

#include <utility>
#include <vector>

#include "common/mutex.h"
#include "server/fleet/node_link.h"

namespace hotplugger::testing {

// Safe for concurrent use.
class FakeNodeLink final : public server::NodeLink {
 public:
  void Send(const v1::ControllerMessage& message) override {
    MutexLock lock(&mutex_);
    sent_.push_back(message);
  }

  void Close(const absl::Status& status) override {
    MutexLock lock(&mutex_);
    if (closes_++ == 0) close_status_ = status;
  }

  std::vector<v1::ControllerMessage> sent() {
    MutexLock lock(&mutex_);
    return sent_;
  }

  // The specs among what was sent.
  std::vector<v1::Spec> specs() {
    MutexLock lock(&mutex_);
    std::vector<v1::Spec> specs;
    for (const v1::ControllerMessage& message : sent_) {
      if (message.has_spec()) specs.push_back(message.spec());
    }
    return specs;
  }

  int closes() {
    MutexLock lock(&mutex_);
    return closes_;
  }

  absl::Status close_status() {
    MutexLock lock(&mutex_);
    return close_status_;
  }

 private:
  Mutex mutex_;
  std::vector<v1::ControllerMessage> sent_ ABSL_GUARDED_BY(mutex_);
  int closes_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Status close_status_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace hotplugger::testing
