// Bounds what one node may bring into sums whose words come from nodes: the places are few, and
// nobody is to fill them alone.
#pragma once

#include <cstddef>
#include <map>
#include <string>

namespace hotplugger::server {

// Not safe for concurrent use. Keeps as many nodes as words were brought in, at most: whoever asks
// has a place for each.
class WordAllowance {
 public:
  // `max`: of each node.
  explicit WordAllowance(size_t max) : max_(max) {}

  // Whether `node` may bring in one more; then it has.
  bool Take(const std::string& node) {
    const auto known = taken_.find(node);
    if (known != taken_.end() && known->second >= max_) return false;
    ++taken_[node];
    return true;
  }

 private:
  const size_t max_;
  std::map<std::string, size_t> taken_;
};

}  // namespace hotplugger::server
