// What is written to the audit log, for those who watch it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/announcer.h"
#include "common/work_queue.h"
#include "hotplugger/v1/audit.pb.h"
#include "hotplugger/v1/audit_service.pb.h"
#include "server/store/records.h"

namespace hotplugger::server {

// Reads the store on a thread of its own, page by page: who catches up holds up nobody. Safe for
// concurrent use.
class AuditFeed {
 public:
  // A page has at most so many entries.
  static constexpr size_t kMaxEntries = 32;

  // `records` outlives this.
  explicit AuditFeed(Records* records)
      : records_(records), queue_("the queue of those who watch the audit log", kMaxReads) {}

  // Of the log: all up to this sequence is committed.
  void Written(int64_t sequence) {
    last_sequence_.store(sequence);
    announcer_.Announce();
  }

  int64_t last_sequence() const { return last_sequence_.load(); }

  struct Found {
    v1::AuditEntry entry;
    // So many entries before it, since the one that was found before, are no longer kept.
    int64_t missed = 0;
  };
  struct Page {
    // Those that the filter lets through, the oldest first.
    std::vector<Found> found;
    // As above, of what was looked at after the last one found.
    int64_t missed = 0;
    // Up to this sequence all has been looked at.
    int64_t looked = 0;
    // There were no further ones.
    bool caught_up = false;
  };
  using Done = absl::AnyInvocable<void(absl::StatusOr<Page>)>;

  // Reads what comes after the entry `after`. `done` is called once, on the feed's thread; not
  // where this returns an error (QUEUE_FULL, SHUTTING_DOWN).
  absl::Status Read(const v1::AuditFilter& filter, int64_t after, Done done);

  // Told of entries from now on.
  void AddListener(const std::shared_ptr<Announcer::Listener>& listener) {
    announcer_.AddListener(listener);
  }

  // Finishes what was accepted and tells nobody any more. May be called again.
  void Stop();

 private:
  static constexpr size_t kMaxReads = 256;
  // Of a filter that lets few through so many entries are looked at for a page.
  static constexpr size_t kMaxScanned = 256;

  absl::StatusOr<Page> ReadNow(const v1::AuditFilter& filter, int64_t after);

  Records* const records_;
  std::atomic<int64_t> last_sequence_{0};
  Announcer announcer_;
  // Last: its thread ends before what its tasks use.
  WorkQueue queue_;
};

}  // namespace hotplugger::server
