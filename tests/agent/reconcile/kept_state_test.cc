#include "agent/reconcile/kept_state.h"

#include <gtest/gtest.h>

#include "tests/fakes/memory_state_store.h"

namespace hotplugger::agent {
namespace {

v1::AgentState StateWithEpoch(uint64_t epoch) {
  v1::AgentState state;
  state.set_largest_epoch(epoch);
  return state;
}

class KeptStateTest : public ::testing::Test {
 protected:
  void FillDisk() { store_.SetFailure(absl::ResourceExhaustedError("disk full")); }
  void FreeDisk() { store_.SetFailure(absl::OkStatus()); }
  uint64_t Epoch() const { return kept_.state().largest_epoch(); }

  testing::MemoryStateStore store_;
  KeptState kept_{store_};
};

TEST_F(KeptStateTest, WhatIsSavedIsOnTheDiskOrNotSo) {
  ASSERT_TRUE(kept_.Save(StateWithEpoch(1)).ok());
  EXPECT_EQ(store_.saved.largest_epoch(), 1U);
  FillDisk();
  EXPECT_FALSE(kept_.Save(StateWithEpoch(2)).ok());
  EXPECT_EQ(Epoch(), 1U);
  EXPECT_FALSE(kept_.failure().ok());
}

TEST_F(KeptStateTest, WhatIsKeptIsSoAndWrittenOnceThereIsRoom) {
  FillDisk();
  kept_.Keep(StateWithEpoch(3));
  EXPECT_EQ(Epoch(), 3U);
  EXPECT_EQ(store_.saved.largest_epoch(), 0U);
  kept_.Retry();
  EXPECT_EQ(kept_.failure(), absl::ResourceExhaustedError("disk full"));
  FreeDisk();
  kept_.Retry();
  EXPECT_TRUE(kept_.failure().ok());
  EXPECT_EQ(store_.saved.largest_epoch(), 3U);
  kept_.Retry();
  EXPECT_EQ(store_.saves, 1) << "there is nothing more to write";
}

TEST_F(KeptStateTest, AnythingThatIsSavedTakesWithItWhatWasKept) {
  FillDisk();
  kept_.Keep(StateWithEpoch(3));
  v1::AgentState more = kept_.state();
  more.set_spec_digest("digest");
  EXPECT_FALSE(kept_.Save(more).ok());
  EXPECT_EQ(Epoch(), 3U);
  EXPECT_EQ(kept_.state().spec_digest(), "");
  FreeDisk();
  ASSERT_TRUE(kept_.Save(more).ok());
  EXPECT_EQ(store_.saved.largest_epoch(), 3U);
  EXPECT_TRUE(kept_.failure().ok());
}

}  // namespace
}  // namespace hotplugger::agent
