#include "server/fleet/waiting_streams.h"

#include <utility>

#include "server/fleet/node_errors.h"

namespace hotplugger::server {

absl::Status WaitingStreams::Add(std::shared_ptr<NodeLink> link) {
  if (waiting_.size() >= kMax) return TooManyStreams(waiting_.size());
  const NodeLink* const key = link.get();
  waiting_[key] = {std::move(link), 0};
  return absl::OkStatus();
}

void WaitingStreams::EndRound(Links* late) {
  for (auto it = waiting_.begin(); it != waiting_.end();) {
    if (++it->second.rounds < 2) {
      ++it;
    } else {
      late->push_back(std::move(it->second.link));
      it = waiting_.erase(it);
    }
  }
}

void WaitingStreams::TakeAll(Links* links) {
  for (auto& [key, waiting] : waiting_) links->push_back(std::move(waiting.link));
  waiting_.clear();
}

}  // namespace hotplugger::server
