#include "client/wait_progress.h"

namespace hotplugger::client {

void WaitProgress::Update(const std::string& name, const v1::Node* node) {
  Drop(name);
  const bool until_gone = condition_ == WaitCondition::kDeleted;
  if (until_gone ? node == nullptr : node != nullptr && IsMet(condition_, *node)) {
    done_.insert(name);
  } else if (node == nullptr) {
    pending_[name] = {"the controller doesn't know it; is the name right?", false};
  } else {
    const bool given_up = CantBeMet(condition_, *node);
    pending_[name] = {WhyNotMet(condition_, *node), given_up};
    if (given_up) ++given_up_;
  }
}

void WaitProgress::Drop(const std::string& name) {
  done_.erase(name);
  const auto pending = pending_.find(name);
  if (pending == pending_.end()) return;
  if (pending->second.given_up) --given_up_;
  pending_.erase(pending);
}

}  // namespace hotplugger::client
