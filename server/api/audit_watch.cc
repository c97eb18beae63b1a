#include "server/api/audit_watch.h"

#include <algorithm>
#include <iterator>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/error_info.h"
#include "server/fleet/log_filters.h"

namespace hotplugger::server {

AuditWatch* AuditWatch::Start(const v1::WatchAuditEntriesRequest& request, AuditFeed* feed,
                              Watches* watches) {
  const std::shared_ptr<AuditWatch> stream(new AuditWatch(feed, watches));
  Hold(stream);
  Begin(stream, stream->Read(request), feed);
  return stream.get();
}

absl::Status AuditWatch::Read(const v1::WatchAuditEntriesRequest& request) {
  Violations violations;
  CheckFilter(request.filter(), &violations);
  if (request.after_sequence() < 0) {
    violations.push_back(
        {"after_sequence", absl::StrCat(request.after_sequence(),
                                        " is negative; 0: all that is kept, absent: only what "
                                        "comes from now on")});
  }
  filter_ = request.filter();
  MutexLock lock(&mutex_);
  after_ = feed_->last_sequence();
  // A store that was put back to an earlier day has not come that far yet.
  if (request.has_after_sequence()) after_ = std::min(after_, request.after_sequence());
  return MakeFieldErrors(violations);
}

void AuditWatch::Changed() {
  MutexLock lock(&mutex_);
  more_ = true;
  WriteNextLocked();
}

AuditWatch::Next AuditWatch::NextLocked(v1::WatchAuditEntriesResponse* response) {
  if (page_.empty()) {
    ReadPageLocked();
    return Next::kNotYet;
  }
  *response->mutable_entry() = std::move(page_.front().entry);
  response->set_missed(page_.front().missed);
  page_.pop_front();
  return Next::kAnswer;
}

void AuditWatch::ReadPageLocked() {
  if (reading_ || !std::exchange(more_, false)) return;
  reading_ = true;
  const absl::Status asked = feed_->Read(
      filter_, after_, [self = shared_from_this()](absl::StatusOr<AuditFeed::Page> page) {
        self->TakePage(std::move(page));
      });
  if (!asked.ok()) EndLocked(asked);
}

void AuditWatch::TakePage(absl::StatusOr<AuditFeed::Page> page) {
  MutexLock lock(&mutex_);
  reading_ = false;
  if (!page.ok()) return EndLocked(page.status());
  after_ = page->looked;
  if (!page->caught_up) more_ = true;
  if (!page->found.empty()) page->found.front().missed += std::exchange(missed_, 0);
  missed_ += page->missed;
  page_.assign(std::make_move_iterator(page->found.begin()),
               std::make_move_iterator(page->found.end()));
  WriteNextLocked();
}

}  // namespace hotplugger::server
