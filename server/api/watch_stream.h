// One WatchFleet call: the gRPC side of it.
#pragma once

#include <grpcpp/support/server_callback.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/mutex.h"
#include "hotplugger/v1/watch_service.pb.h"
#include "server/fleet/change_feed.h"
#include "server/fleet/node_registry.h"

namespace hotplugger::server {

class WatchStream;

// The watches that go on. Safe for concurrent use; outlives them.
class Watches {
 public:
  static constexpr size_t kMax = 64;

  // RESOURCE_EXHAUSTED (TOO_MANY_WATCHES), or what CloseAll was given; else Leave must follow.
  absl::Status Enter(WatchStream* stream);
  void Leave(WatchStream* stream);
  void CloseAll(const absl::Status& status);

 private:
  Mutex mutex_;
  // Ok: open.
  absl::Status closed_ ABSL_GUARDED_BY(mutex_);
  std::set<WatchStream*> streams_ ABSL_GUARDED_BY(mutex_);
};

// Keeps itself alive until gRPC's last callback has returned. Has one answer at a time; the rest
// is what the feed has when that is written.
class WatchStream final : public ChangeFeed::Listener,
                          public grpc::ServerWriteReactor<v1::WatchFleetResponse> {
 public:
  // Begins, or ends at once with what is wrong. All parts outlive the call.
  static WatchStream* Start(const v1::WatchFleetRequest& request, ChangeFeed* feed,
                            NodeRegistry* registry, uint64_t epoch, Watches* watches);

  void FeedChanged() override;
  void Close(const absl::Status& status);

  void OnWriteDone(bool ok) noexcept override;
  void OnCancel() noexcept override;
  void OnDone() noexcept override;

 private:
  WatchStream(ChangeFeed* feed, NodeRegistry* registry, uint64_t epoch, Watches* watches)
      : feed_(feed), registry_(registry), epoch_(epoch), watches_(watches) {}

  absl::Status Read(const v1::WatchFleetRequest& request);
  void WriteNextLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // The next answer, if there is one.
  bool FillLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool FillChangeLocked(const ChangeFeed::Change& change) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void FinishOnceLocked(const absl::Status& status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  ChangeFeed* const feed_;
  NodeRegistry* const registry_;
  const uint64_t epoch_;
  Watches* const watches_;
  std::shared_ptr<WatchStream> self_;
  // Set before the stream begins.
  std::set<ChangeFeed::Kind> kinds_;
  bool summary_only_ = false;
  // Up to here the beginning goes.
  int64_t begin_version_ = 0;

  Mutex mutex_;
  bool entered_ ABSL_GUARDED_BY(mutex_) = false;
  // All up to this version has been written.
  int64_t version_ ABSL_GUARDED_BY(mutex_) = 0;
  bool reset_ ABSL_GUARDED_BY(mutex_) = false;
  bool synced_ ABSL_GUARDED_BY(mutex_) = false;
  v1::WatchFleetResponse writing_ ABSL_GUARDED_BY(mutex_);
  bool in_flight_ ABSL_GUARDED_BY(mutex_) = false;
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace hotplugger::server
