// How long a connected node takes to get, to acknowledge and to apply a new spec.
#pragma once

#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace hotplugger::server {

// What was measured; see FleetCounters.
struct SpecTimes {
  std::optional<absl::Duration> push;
  std::optional<absl::Duration> ack;
  std::optional<absl::Duration> convergence;
};

// Measures one new spec of one node at a time, each part of it once, however often it is pushed. A
// pure state machine. Not safe for concurrent use.
class SpecStopwatch {
 public:
  // The node has a new spec to have, and is connected. `now`, here and below: of a steady clock.
  // What was measured before is over.
  void Want(absl::Time now);
  // The spec is not measured (any more).
  void Stop();

  // It is handed to the node's stream; what answers that carries `nonce`.
  void HandOver(std::string nonce, absl::Time now);
  // The node has acknowledged or refused what was pushed with `nonce`.
  void NoteAck(absl::string_view nonce, bool refused, absl::Time now);
  // It has reported that it refuses it.
  void NoteRefusal(absl::Time now);
  // It has reported it applied. `news`: it wasn't known to have applied it. What is none, and comes
  // before the receipt, may be older than the push.
  void NoteApplied(bool news, absl::Time now);

  // What was measured since the last call.
  SpecTimes TakeTimes();

 private:
  // Set for as long as convergence is measured.
  std::optional<absl::Time> wanted_;
  // Set for as long as the receipt is waited for.
  std::optional<absl::Time> handed_over_;
  // Of the last push; empty: none yet.
  std::string nonce_;
  bool accepted_ = false;
  SpecTimes times_;
};

}  // namespace hotplugger::server
