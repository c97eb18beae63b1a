#include "server/fleet/event_log.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/proto_time.h"
#include "common/text.h"
#include "server/audit/audit_filter.h"

namespace hotplugger::server {
namespace {

// As event.proto says, less what may come after it.
constexpr size_t kMaxMessage = 960;

}  // namespace

bool MeetsFilter(const v1::Event& event, const v1::EventFilter& filter) {
  if (!filter.resource().empty() && !IsAtOrBelow(event.resource(), filter.resource())) return false;
  if (!filter.type().empty() && event.type() != filter.type()) return false;
  if (filter.has_since_time() && ToTime(event.time()) < ToTime(filter.since_time())) return false;
  return !filter.warnings_only() || event.severity() == v1::EVENT_SEVERITY_WARNING;
}

void EventLog::Add(const NewEvent& event) {
  const absl::Time now = clock_->Now();
  auto kept = std::make_shared<v1::Event>();
  SetTimestamp(now, kept->mutable_time());
  kept->set_type(EventTypeName(event.type));
  kept->set_severity(EventTypeSeverity(event.type));
  kept->set_resource(event.resource);
  std::string message = CutText(event.message, kMaxMessage);

  MutexLock lock(&mutex_);
  Recent& recent = recent_[event.resource];
  if (recent.last != nullptr && recent.last->type() == kept->type() && recent.message == message) {
    return;
  }
  // Also where somebody has set the clock back.
  if (now - recent.minute >= absl::Minutes(1) || now < recent.minute) {
    recent.minute = now;
    recent.in_minute = 0;
  }
  if (recent.in_minute == kMaxPerMinute) {
    ++recent.left_out;
    return;
  }
  ++recent.in_minute;
  kept->set_message(message);
  if (recent.left_out > 0) {
    absl::StrAppend(kept->mutable_message(), " (", std::exchange(recent.left_out, 0),
                    " events of this came before, too many to be kept)");
  }
  recent.message = std::move(message);
  kept->set_sequence(++last_sequence_);
  recent.last = kept;
  AppendLocked(std::move(kept));
  announcer_.Announce();
}

void EventLog::AppendLocked(EventPointer event) {
  events_.push_back(std::move(event));
  if (events_.size() <= kMaxKept) return;
  const auto recent = recent_.find(events_.front()->resource());
  if (recent != recent_.end() && recent->second.last == events_.front()) recent_.erase(recent);
  events_.pop_front();
}

int64_t EventLog::last_sequence() {
  MutexLock lock(&mutex_);
  return last_sequence_;
}

std::vector<EventLog::EventPointer> EventLog::List(const v1::EventFilter& filter, int64_t before,
                                                   size_t limit) {
  std::vector<EventPointer> found;
  MutexLock lock(&mutex_);
  for (auto event = events_.rbegin(); event != events_.rend() && found.size() < limit; ++event) {
    if ((*event)->sequence() < before && MeetsFilter(**event, filter)) found.push_back(*event);
  }
  return found;
}

EventLog::Found EventLog::Next(int64_t after, const v1::EventFilter& filter) {
  Found found;
  MutexLock lock(&mutex_);
  const int64_t gone = last_sequence_ - static_cast<int64_t>(events_.size());
  if (after < gone) {
    found.missed = gone - after;
    after = gone;
  }
  found.looked = std::max(after, last_sequence_);
  for (size_t i = static_cast<size_t>(after - gone); i < events_.size(); ++i) {
    if (!MeetsFilter(*events_[i], filter)) continue;
    found.event = events_[i];
    found.looked = events_[i]->sequence();
    break;
  }
  return found;
}

}  // namespace hotplugger::server
