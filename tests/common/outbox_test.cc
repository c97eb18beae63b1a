#include "common/transport/outbox.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>

namespace hotplugger {
namespace {

TEST(OutboxTest, TheFirstStartsAtOnceLaterOnesWait) {
  Outbox<std::string, 2> outbox;
  EXPECT_FALSE(outbox.write_in_flight());
  const std::string* first = outbox.Put(0, "a");
  ASSERT_NE(first, nullptr);
  EXPECT_EQ(*first, "a");
  EXPECT_TRUE(outbox.write_in_flight());
  EXPECT_EQ(outbox.Put(0, "b"), nullptr);
  EXPECT_EQ(*first, "a") << "what is being written stays as it is";
  const std::string* second = outbox.Done();
  ASSERT_NE(second, nullptr);
  EXPECT_EQ(*second, "b");
  EXPECT_EQ(outbox.Done(), nullptr);
  EXPECT_FALSE(outbox.write_in_flight());
}

TEST(OutboxTest, TheLatestOfASlotWins) {
  Outbox<int, 2> outbox;
  outbox.Put(0, 1);
  outbox.Put(0, 2);
  outbox.Put(0, 3);
  EXPECT_EQ(*outbox.Done(), 3);
  EXPECT_EQ(outbox.Done(), nullptr);
}

TEST(OutboxTest, ABusySlotStarvesNoOther) {
  Outbox<int, 3> outbox;
  outbox.Put(0, 0);
  outbox.Put(2, 2);
  outbox.Put(1, 1);
  outbox.Put(0, 100);
  EXPECT_EQ(*outbox.Done(), 1);
  outbox.Put(1, 101);
  outbox.Put(0, 102);
  EXPECT_EQ(*outbox.Done(), 2);
  EXPECT_EQ(*outbox.Done(), 102);
  EXPECT_EQ(*outbox.Done(), 101);
}

TEST(OutboxTest, HoldsWhatCanOnlyBeMoved) {
  Outbox<std::unique_ptr<int>, 1> outbox;
  const std::unique_ptr<int>* started = outbox.Put(0, std::make_unique<int>(7));
  ASSERT_NE(started, nullptr);
  EXPECT_EQ(**started, 7);
}

// A message knows its slot and its number.
struct Numbered {
  size_t slot;
  int number;
};

// Any order of Put and Done: one in flight, the newest of each slot, none waits for more than the
// others' one turn each, none is lost but those that a newer one replaced.
TEST(OutboxPropertyTest, HoldsForAnyOrderOfEvents) {
  constexpr size_t kSlots = 4;
  std::mt19937 random(3);
  for (int round = 0; round < 200; ++round) {
    Outbox<Numbered, kSlots> outbox;
    std::map<size_t, int> waiting;          // slot to the newest number put
    std::map<size_t, size_t> turns_waited;  // by slot
    bool in_flight = false;
    const auto started = [&](const Numbered* message) {
      if (message == nullptr) {
        ASSERT_TRUE(waiting.empty()) << "idle though something waits";
        in_flight = false;
        return;
      }
      in_flight = true;
      ASSERT_EQ(waiting.count(message->slot), 1u) << "nothing was waiting there";
      EXPECT_EQ(message->number, waiting[message->slot]) << "not the newest";
      waiting.erase(message->slot);
      turns_waited.erase(message->slot);
      for (const auto& [slot, number] : waiting) {
        EXPECT_LT(++turns_waited[slot], kSlots) << "slot " << slot << " starves";
      }
    };
    for (int event = 0; event < 100; ++event) {
      if (in_flight && random() % 3 == 0) {
        started(outbox.Done());
      } else {
        const size_t slot = random() % kSlots;
        const bool was_in_flight = in_flight;
        waiting[slot] = event;
        const Numbered* message = outbox.Put(slot, {slot, event});
        ASSERT_EQ(message == nullptr, was_in_flight) << "a second write would end the process";
        if (message != nullptr) started(message);
      }
      ASSERT_EQ(outbox.write_in_flight(), in_flight);
    }
    while (in_flight) started(outbox.Done());
    EXPECT_TRUE(waiting.empty());
  }
}

}  // namespace
}  // namespace hotplugger
