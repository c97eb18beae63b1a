// What a stream sends: one write in flight, and behind it at most one message of each kind, the
// newest. Both ends of the agent's stream use it. No gRPC type in here.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <utility>

namespace hotplugger {

// gRPC ends the process when a second write starts while one is in flight, so every write goes
// through here. Slots are served in a circle from the last one served, so that none starves.
// Not safe for concurrent use: the owner's lock guards it.
template <typename Message, size_t kSlots>
class Outbox {
 public:
  // Puts `message` in `slot`, over an older one that has not been started. Returns the message to
  // start writing now, or nullptr while another is in flight. The pointer stays good until Done.
  const Message* Put(size_t slot, Message message) {
    slots_[slot] = std::move(message);
    return in_flight_ ? nullptr : StartNext();
  }

  // The write in flight has ended. Returns the next one to start, or nullptr.
  const Message* Done() {
    in_flight_.reset();
    return StartNext();
  }

  bool write_in_flight() const { return in_flight_.has_value(); }

 private:
  const Message* StartNext() {
    for (size_t i = 0; i < kSlots; ++i) {
      const size_t slot = (next_slot_ + i) % kSlots;
      if (!slots_[slot]) continue;
      in_flight_ = std::move(slots_[slot]);
      slots_[slot].reset();
      next_slot_ = (slot + 1) % kSlots;
      return &*in_flight_;
    }
    return nullptr;
  }

  std::array<std::optional<Message>, kSlots> slots_;
  std::optional<Message> in_flight_;
  size_t next_slot_ = 0;
};

}  // namespace hotplugger
