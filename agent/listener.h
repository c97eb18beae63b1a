// A port that the agent would like to have, and can do without: it has a spec to enforce.
#pragma once

#include <functional>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/ticker.h"

namespace hotplugger::agent {

// Tries to listen, and where that fails again and again until it succeeds. Start and Stop must not
// cross.
class Listener {
 public:
  // Between tries.
  static constexpr absl::Duration kInterval = absl::Seconds(60);

  // `listen` begins to listen. `succeeded` is called once where the first try did not succeed.
  // From the second try on they are called on the ticker's thread.
  Listener(std::function<absl::Status()> listen, std::function<void()> succeeded,
           std::unique_ptr<Ticker> ticker)
      : listen_(std::move(listen)), succeeded_(std::move(succeeded)), ticker_(std::move(ticker)) {}

  // How the first try ended.
  absl::Status Start() {
    const absl::Status first = listen_();
    if (!first.ok()) ticker_->Start(kInterval, [this] { TryAgain(); });
    return first;
  }

  // No try begins afterwards, and none is under way. May be called again.
  void Stop() { ticker_->Stop(); }

 private:
  // Of the ticker's thread. It beats on once it is done, since a beat can't stop itself.
  void TryAgain() {
    if (done_ || !listen_().ok()) return;
    done_ = true;
    succeeded_();
  }

  const std::function<absl::Status()> listen_;
  const std::function<void()> succeeded_;
  const std::unique_ptr<Ticker> ticker_;
  bool done_ = false;
};

}  // namespace hotplugger::agent
