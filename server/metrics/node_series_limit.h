// How many nodes have series of their own.
#pragma once

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace hotplugger::server {

// No node, every node, or so many, the first ones by name.
class NodeSeriesLimit {
 public:
  static constexpr size_t kLargest = 1'000'000;

  static NodeSeriesLimit Off() { return NodeSeriesLimit(Kind::kOff, 0); }
  static NodeSeriesLimit All() { return NodeSeriesLimit(Kind::kAll, 0); }
  // REQUIRES: `nodes` from 1 to kLargest.
  static NodeSeriesLimit First(size_t nodes) { return NodeSeriesLimit(Kind::kFirst, nodes); }

  // As --node-metrics has it: "off", "all", or a number from 1 to kLargest. INVALID_ARGUMENT
  // (reason BAD_NODE_LIMIT) for all else.
  static absl::StatusOr<NodeSeriesLimit> Parse(absl::string_view text);
  // What Parse takes.
  std::string ToString() const;

  // Whether a node has series where so many before it have.
  bool TakesAnother(size_t before) const {
    return kind_ == Kind::kAll || (kind_ == Kind::kFirst && before < nodes_);
  }

  bool operator==(const NodeSeriesLimit& other) const {
    return kind_ == other.kind_ && nodes_ == other.nodes_;
  }

 private:
  enum class Kind { kOff, kAll, kFirst };

  NodeSeriesLimit(Kind kind, size_t nodes) : kind_(kind), nodes_(nodes) {}

  Kind kind_;
  // Of kFirst.
  size_t nodes_;
};

}  // namespace hotplugger::server
