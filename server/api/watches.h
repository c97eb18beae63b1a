// Calls that go on until they are ended: how many there are, and their end with the controller.
#pragma once

#include <cstddef>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "common/announcer.h"
#include "common/mutex.h"
#include "server/api/answer_stream.h"

namespace hotplugger::server {

// One of them.
class Watch {
 public:
  virtual ~Watch() = default;
  virtual void Close(const absl::Status& status) = 0;
};

// Those of one method that go on. Safe for concurrent use; outlives them.
class Watches {
 public:
  static constexpr size_t kMax = 64;

  // `watched` is what they watch, e.g. "the fleet".
  explicit Watches(std::string watched) : watched_(std::move(watched)) {}

  // RESOURCE_EXHAUSTED (TOO_MANY_WATCHES), or what CloseAll was given; else Leave must follow.
  absl::Status Enter(Watch* watch);
  void Leave(Watch* watch);

  // Ends all of them, and lets no further one begin.
  void CloseAll(const absl::Status& status);

 private:
  const std::string watched_;
  Mutex mutex_;
  // Ok: open.
  absl::Status closed_ ABSL_GUARDED_BY(mutex_);
  std::set<Watch*> watches_ ABSL_GUARDED_BY(mutex_);
};

// A stream that is told when there may be something new to write.
template <typename Response>
class WatchStream : public AnswerStream<Response>, public Watch, public Announcer::Listener {
 public:
  void Close(const absl::Status& status) final { this->End(status); }
  void Changed() override { this->WriteNext(); }

 protected:
  // `watches` outlives this.
  explicit WatchStream(Watches* watches) : watches_(watches) {}

  // Begins to write, and listens to `feed` from then on; or ends with `status` or for want of room.
  // Once; `stream` is held.
  template <typename Feed>
  static void Begin(const std::shared_ptr<WatchStream>& stream, absl::Status status, Feed* feed) {
    if (status.ok()) status = stream->watches_->Enter(stream.get());
    MutexLock lock(&stream->mutex_);
    if (!status.ok()) return stream->EndLocked(status);
    stream->entered_ = true;
    // Whoever asked knows then that nothing is missed from now on.
    stream->StartSendInitialMetadata();
    feed->AddListener(stream);
    stream->WriteNextLocked();
  }

  void OnOver() final {
    bool entered = false;
    {
      MutexLock lock(&this->mutex_);
      entered = entered_;
    }
    if (entered) watches_->Leave(this);
  }

 private:
  Watches* const watches_;
  bool entered_ ABSL_GUARDED_BY(this->mutex_) = false;
};

}  // namespace hotplugger::server
