#include "server/api/watch_stream.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/error_info.h"
#include "common/status_macros.h"
#include "common/transport/grpc_status.h"
#include "server/fleet/node_operations.h"

namespace hotplugger::server {
namespace {

using Kind = ChangeFeed::Kind;

// "EPOCH-VERSION".
std::string FormatToken(uint64_t epoch, int64_t version) {
  return absl::StrCat(epoch, "-", version);
}

absl::Status ParseToken(const std::string& token, uint64_t* epoch, int64_t* version) {
  const std::pair<std::string, std::string> parts = absl::StrSplit(token, absl::MaxSplits('-', 1));
  if (absl::SimpleAtoi(parts.first, epoch) && absl::SimpleAtoi(parts.second, version) &&
      *version >= 0) {
    return absl::OkStatus();
  }
  return MakeFieldErrors(
      {{"resume_token", "is none that an answer gave; leave it out to begin anew"}});
}

}  // namespace

absl::Status Watches::Enter(WatchStream* stream) {
  MutexLock lock(&mutex_);
  RETURN_IF_ERROR(closed_);
  if (streams_.size() >= kMax) {
    return MakeError(absl::StatusCode::kResourceExhausted, "TOO_MANY_WATCHES",
                     absl::StrCat(kMax, " watches of the fleet go on already; end one of them"));
  }
  streams_.insert(stream);
  return absl::OkStatus();
}

void Watches::Leave(WatchStream* stream) {
  MutexLock lock(&mutex_);
  streams_.erase(stream);
}

void Watches::CloseAll(const absl::Status& status) {
  MutexLock lock(&mutex_);
  closed_ = status;
  // A stream leaves in OnDone alone, which waits for this lock: none of these is gone.
  for (WatchStream* stream : streams_) stream->Close(status);
}

WatchStream* WatchStream::Start(const v1::WatchFleetRequest& request, ChangeFeed* feed,
                                NodeRegistry* registry, uint64_t epoch, Watches* watches) {
  const std::shared_ptr<WatchStream> stream(new WatchStream(feed, registry, epoch, watches));
  stream->self_ = stream;
  absl::Status status = stream->Read(request);
  if (status.ok()) status = watches->Enter(stream.get());
  MutexLock lock(&stream->mutex_);
  if (!status.ok()) {
    stream->FinishOnceLocked(status);
    return stream.get();
  }
  stream->entered_ = true;
  feed->AddListener(stream);
  stream->WriteNextLocked();
  return stream.get();
}

absl::Status WatchStream::Read(const v1::WatchFleetRequest& request) {
  for (const int kind : request.kinds()) {
    if (kind == v1::WatchFleetRequest::KIND_UNSPECIFIED ||
        !v1::WatchFleetRequest::Kind_IsValid(kind)) {
      return MakeFieldErrors(
          {{"kinds", absl::StrCat(kind, " is none of nodes, policies and holds")}});
    }
    kinds_.insert(static_cast<Kind>(kind));
  }
  if (kinds_.empty()) {
    kinds_ = {v1::WatchFleetRequest::KIND_NODES, v1::WatchFleetRequest::KIND_POLICIES,
              v1::WatchFleetRequest::KIND_HOLDS};
  }
  summary_only_ = request.summary_only();
  begin_version_ = feed_->last_version();
  MutexLock lock(&mutex_);
  reset_ = true;
  if (request.resume_token().empty()) return absl::OkStatus();
  uint64_t epoch = 0;
  int64_t version = 0;
  RETURN_IF_ERROR(ParseToken(request.resume_token(), &epoch, &version));
  if (epoch != epoch_ || !feed_->CanResume(version)) return absl::OkStatus();
  reset_ = false;
  version_ = version;
  return absl::OkStatus();
}

void WatchStream::FeedChanged() {
  MutexLock lock(&mutex_);
  WriteNextLocked();
}

void WatchStream::Close(const absl::Status& status) {
  MutexLock lock(&mutex_);
  FinishOnceLocked(status);
}

void WatchStream::WriteNextLocked() {
  if (finished_ || in_flight_ || !FillLocked()) return;
  in_flight_ = true;
  StartWrite(&writing_);
}

bool WatchStream::FillLocked() {
  writing_.Clear();
  if (std::exchange(reset_, false)) {
    writing_.mutable_reset();
    writing_.set_resume_token(FormatToken(epoch_, version_));
    return true;
  }
  for (;;) {
    int64_t looked = version_;
    const std::optional<ChangeFeed::Change> change = feed_->Next(version_, kinds_, &looked);
    // Once nothing is left of what there was at the beginning, be it that it has changed since.
    if (!synced_ && looked >= begin_version_ && (!change || change->version > begin_version_)) {
      synced_ = true;
      version_ = std::max(version_, begin_version_);
      writing_.mutable_synced();
      writing_.set_resume_token(FormatToken(epoch_, version_));
      return true;
    }
    version_ = looked;
    if (!change) return false;
    if (FillChangeLocked(*change)) {
      writing_.set_resume_token(FormatToken(epoch_, version_));
      return true;
    }
  }
}

// False where there is nothing to be told: who has begun anew knows nothing that could be gone.
bool WatchStream::FillChangeLocked(const ChangeFeed::Change& change) {
  const std::string& name = change.key.name;
  if (!change.gone) {
    if (change.event != nullptr) {
      writing_ = *change.event;
      return true;
    }
    const absl::StatusOr<NodeSnapshot> node = registry_->Get(name);
    // Gone since: that comes as a change of its own.
    if (!node.ok()) return false;
    *writing_.mutable_node() = ToProto(*node, summary_only_);
    return true;
  }
  switch (change.key.kind) {
    case v1::WatchFleetRequest::KIND_NODES:
      writing_.set_deleted_node(name);
      return true;
    case v1::WatchFleetRequest::KIND_POLICIES:
      writing_.set_deleted_policy(name);
      return true;
    case v1::WatchFleetRequest::KIND_HOLDS: {
      const std::pair<std::string, std::string> parts =
          absl::StrSplit(name, absl::MaxSplits('/', 1));
      writing_.mutable_deleted_hold()->set_node(parts.first);
      writing_.mutable_deleted_hold()->set_subject(parts.second);
      return true;
    }
    default:
      return false;
  }
}

void WatchStream::FinishOnceLocked(const absl::Status& status) {
  if (std::exchange(finished_, true)) return;
  Finish(ToGrpcStatus(status));
}

void WatchStream::OnWriteDone(bool ok) noexcept {
  MutexLock lock(&mutex_);
  in_flight_ = false;
  if (ok) {
    WriteNextLocked();
  } else {
    FinishOnceLocked(absl::CancelledError("the stream broke"));
  }
}

void WatchStream::OnCancel() noexcept {
  MutexLock lock(&mutex_);
  FinishOnceLocked(absl::CancelledError("the call was ended"));
}

void WatchStream::OnDone() noexcept {
  bool entered = false;
  {
    MutexLock lock(&mutex_);
    entered = entered_;
  }
  if (entered) watches_->Leave(this);
  // The last share may be ours: it goes when this function has returned.
  const std::shared_ptr<WatchStream> self = std::move(self_);
}

}  // namespace hotplugger::server
