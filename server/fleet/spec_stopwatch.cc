#include "server/fleet/spec_stopwatch.h"

#include <utility>

namespace hotplugger::server {

void SpecStopwatch::Want(absl::Time now) {
  Stop();
  wanted_ = now;
}

void SpecStopwatch::Stop() {
  wanted_.reset();
  handed_over_.reset();
  nonce_.clear();
  accepted_ = false;
}

void SpecStopwatch::HandOver(std::string nonce, absl::Time now) {
  if (!wanted_ && !handed_over_) return;
  if (nonce_.empty()) {
    times_.push = now - *wanted_;
    handed_over_ = now;
  }
  nonce_ = std::move(nonce);
}

void SpecStopwatch::NoteAck(absl::string_view nonce, bool refused, absl::Time now) {
  if (nonce_.empty() || nonce != nonce_) return;
  if (refused) return NoteRefusal(now);
  if (handed_over_) times_.ack = now - *handed_over_;
  handed_over_.reset();
  accepted_ = true;
}

void SpecStopwatch::NoteRefusal(absl::Time now) {
  if (handed_over_) times_.ack = now - *handed_over_;
  Stop();
}

void SpecStopwatch::NoteApplied(bool news, absl::Time now) {
  if (!wanted_ || nonce_.empty() || !(accepted_ || news)) return;
  times_.convergence = now - *wanted_;
  wanted_.reset();
}

SpecTimes SpecStopwatch::TakeTimes() { return std::exchange(times_, {}); }

}  // namespace hotplugger::server
