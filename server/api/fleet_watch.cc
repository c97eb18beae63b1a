#include "server/api/fleet_watch.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/error_info.h"
#include "common/status_macros.h"
#include "server/api/resume_token.h"
#include "server/fleet/node_operations.h"

namespace hotplugger::server {
namespace {

using Kind = ChangeFeed::Kind;

}  // namespace

FleetWatch* FleetWatch::Start(const v1::WatchFleetRequest& request, ChangeFeed* feed,
                              NodeRegistry* registry, uint64_t epoch, Watches* watches) {
  const std::shared_ptr<FleetWatch> stream(new FleetWatch(feed, registry, epoch, watches));
  Hold(stream);
  Begin(stream, stream->Read(request), feed);
  return stream.get();
}

absl::Status FleetWatch::Read(const v1::WatchFleetRequest& request) {
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
  ASSIGN_OR_RETURN(const ResumeToken token, ParseResumeToken(request.resume_token()));
  if (token.epoch != epoch_ || !feed_->CanResume(token.position)) return absl::OkStatus();
  reset_ = false;
  version_ = token.position;
  return absl::OkStatus();
}

FleetWatch::Next FleetWatch::NextLocked(v1::WatchFleetResponse* response) {
  if (std::exchange(reset_, false)) {
    response->mutable_reset();
    response->set_resume_token(FormatResumeToken({epoch_, version_}));
    return Next::kAnswer;
  }
  for (;;) {
    int64_t looked = version_;
    const std::optional<ChangeFeed::Change> change = feed_->Next(version_, kinds_, &looked);
    // Once nothing is left of what there was at the beginning, be it that it has changed since.
    if (!synced_ && looked >= begin_version_ && (!change || change->version > begin_version_)) {
      synced_ = true;
      version_ = std::max(version_, begin_version_);
      response->mutable_synced();
      response->set_resume_token(FormatResumeToken({epoch_, version_}));
      return Next::kAnswer;
    }
    version_ = looked;
    if (!change) return Next::kNotYet;
    if (FillChange(*change, response)) {
      response->set_resume_token(FormatResumeToken({epoch_, version_}));
      return Next::kAnswer;
    }
  }
}

// False where there is nothing to be told: who has begun anew knows nothing that could be gone.
bool FleetWatch::FillChange(const ChangeFeed::Change& change,
                            v1::WatchFleetResponse* response) const {
  const std::string& name = change.key.name;
  if (!change.gone) {
    if (change.event != nullptr) {
      *response = *change.event;
      return true;
    }
    const absl::StatusOr<NodeSnapshot> node = registry_->Get(name);
    // Gone since: that comes as a change of its own.
    if (!node.ok()) return false;
    *response->mutable_node() = ToProto(*node, summary_only_);
    return true;
  }
  switch (change.key.kind) {
    case v1::WatchFleetRequest::KIND_NODES:
      response->set_deleted_node(name);
      return true;
    case v1::WatchFleetRequest::KIND_POLICIES:
      response->set_deleted_policy(name);
      return true;
    case v1::WatchFleetRequest::KIND_HOLDS: {
      const std::pair<std::string, std::string> parts =
          absl::StrSplit(name, absl::MaxSplits('/', 1));
      response->mutable_deleted_hold()->set_node(parts.first);
      response->mutable_deleted_hold()->set_subject(parts.second);
      return true;
    }
    default:
      return false;
  }
}

}  // namespace hotplugger::server
