// How far a wait for nodes is, as a pure function of what the controller tells.
#pragma once

#include <map>
#include <set>
#include <string>

#include "client/wait_condition.h"
#include "hotplugger/v1/node.pb.h"

namespace hotplugger::client {

// Nodes that are waited for, each as it was told of last.
class WaitProgress {
 public:
  struct Pending {
    // For a person.
    std::string cause;
    // Waiting longer can't help.
    bool given_up = false;
  };

  explicit WaitProgress(WaitCondition condition) : condition_(condition) {}

  // The node is waited for, and is so; nullptr: the controller doesn't know it.
  void Update(const std::string& name, const v1::Node* node);

  // It is none of those any more.
  void Drop(const std::string& name);

  size_t done() const { return done_.size(); }
  // By name.
  const std::map<std::string, Pending>& pending() const { return pending_; }

  bool AnyGivenUp() const { return given_up_ > 0; }

 private:
  WaitCondition condition_;
  std::set<std::string> done_;
  std::map<std::string, Pending> pending_;
  size_t given_up_ = 0;
};

}  // namespace hotplugger::client
