#include "agent/reconcile/conditions.h"

#include "common/proto_time.h"

namespace hotplugger::agent {

void Conditions::Set(absl::string_view type, absl::string_view message, absl::Time now) {
  MutexLock lock(&mutex_);
  auto found = conditions_.find(type);
  if (found == conditions_.end()) {
    if (conditions_.size() >= kMax) return;
    found = conditions_.emplace(std::string(type), v1::NodeCondition()).first;
    found->second.set_type(std::string(type));
    SetTimestamp(now, found->second.mutable_since_time());
  }
  found->second.set_message(std::string(message));
}

void Conditions::Clear(absl::string_view type) {
  MutexLock lock(&mutex_);
  const auto found = conditions_.find(type);
  if (found != conditions_.end()) conditions_.erase(found);
}

std::vector<v1::NodeCondition> Conditions::List() const {
  MutexLock lock(&mutex_);
  std::vector<v1::NodeCondition> list;
  for (const auto& [type, condition] : conditions_) list.push_back(condition);
  return list;
}

}  // namespace hotplugger::agent
