#include "server/fleet/lapsing_holds.h"

#include <algorithm>
#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/log.h"

namespace hotplugger::server {

void LapsingHolds::Beat() {
  const std::set<HoldKey> lapsed = holds_->FindLapsed();
  size_t overdue = lapsed.size();
  auto next = lapsed.upper_bound(last_tried_);
  for (size_t left = std::min(lapsed.size(), kMaxTried); left > 0; --left) {
    if (next == lapsed.end()) next = lapsed.begin();
    last_tried_ = *next++;
    const absl::Status released = changes_->CarryOutOwn(
        "LapseHold", [this](Change* change) { return holds_->Lapse(last_tried_, change); });
    if (released.ok()) {
      --overdue;
      told_.erase(last_tried_);
    } else if (told_.insert(last_tried_).second) {
      NoteFailed(last_tried_, released);
    }
  }
  // The others were released, or set anew.
  std::erase_if(told_, [&lapsed](const HoldKey& key) { return lapsed.count(key) == 0; });
  counters_->holds_overdue.store(static_cast<int64_t>(overdue), std::memory_order_relaxed);
}

// Once, though it is tried again.
void LapsingHolds::NoteFailed(const HoldKey& key, const absl::Status& why) {
  counters_->hold_lapse_failures.fetch_add(1, std::memory_order_relaxed);
  state_->Tell({EventType::kHoldLapseFailed, HoldResource(key.node, key.subject),
                absl::StrCat("its time is over, and it is still in force: ", why.message())});
  Log(LogLevel::kError, "a hold whose time is over is still in force",
      {{"node", key.node}, {"subject", key.subject}, {"cause", std::string(why.message())}});
}

}  // namespace hotplugger::server
