// Streams that have yet to say who they are.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "server/fleet/node_link.h"

namespace hotplugger::server {

// Not safe for concurrent use: the registry's lock guards it.
class WaitingStreams {
 public:
  // So many may wait to say Hello, each for at most two rounds.
  static constexpr size_t kMax = 1000;

  using Links = std::vector<std::shared_ptr<NodeLink>>;

  // RESOURCE_EXHAUSTED (TOO_MANY_STREAMS) where too many wait.
  absl::Status Add(std::shared_ptr<NodeLink> link);
  void Remove(const NodeLink* link) { waiting_.erase(link); }

  // A round is over: moves those that have waited for too long to `late`.
  void EndRound(Links* late);
  void TakeAll(Links* links);

 private:
  struct Waiting {
    std::shared_ptr<NodeLink> link;
    int rounds = 0;
  };

  std::map<const NodeLink*, Waiting> waiting_;
};

}  // namespace hotplugger::server
