#include "server/api/watches.h"

#include "absl/strings/str_cat.h"
#include "common/error_info.h"
#include "common/status_macros.h"

namespace hotplugger::server {

absl::Status Watches::Enter(Watch* watch) {
  MutexLock lock(&mutex_);
  RETURN_IF_ERROR(closed_);
  if (watches_.size() >= kMax) {
    return MakeError(
        absl::StatusCode::kResourceExhausted, "TOO_MANY_WATCHES",
        absl::StrCat(kMax, " watches of ", watched_, " go on already; end one of them"));
  }
  watches_.insert(watch);
  return absl::OkStatus();
}

void Watches::Leave(Watch* watch) {
  MutexLock lock(&mutex_);
  watches_.erase(watch);
}

void Watches::CloseAll(const absl::Status& status) {
  MutexLock lock(&mutex_);
  closed_ = status;
  // A stream leaves once it is over, which waits for this lock: none of these is gone.
  for (Watch* watch : watches_) watch->Close(status);
}

}  // namespace hotplugger::server
