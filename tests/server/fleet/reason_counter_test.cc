#include "server/fleet/reason_counter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"

namespace hotplugger::server {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

TEST(ReasonCounterTest, CountsByReason) {
  ReasonCounter counter;
  EXPECT_THAT(counter.Counts(), ElementsAre());
  counter.Add("SPEC_INVALID", "n1");
  counter.Add("EPOCH_BEHIND", "n1");
  counter.Add("SPEC_INVALID", "n1");
  EXPECT_THAT(counter.Counts(), ElementsAre(Pair("EPOCH_BEHIND", 1), Pair("SPEC_INVALID", 2)));
}

TEST(ReasonCounterTest, KnownReasonsAreThereFromTheStartAndKeepTheirPlaces) {
  constexpr absl::string_view kKnown[] = {"SPEC_INVALID", "OTHER"};
  ReasonCounter counter(kKnown);
  EXPECT_THAT(counter.Counts(), ElementsAre(Pair("OTHER", 0), Pair("SPEC_INVALID", 0)));
  for (int i = 0; i < 200; ++i) counter.Add(absl::StrCat("REASON_", i), absl::StrCat("n", i));
  counter.Add("SPEC_INVALID", "n1");
  EXPECT_EQ(counter.Counts().size(), ReasonCounter::kMaxReasons);
  EXPECT_EQ(counter.Counts().at("SPEC_INVALID"), 1);
  EXPECT_EQ(counter.Counts().at("OTHER"), 200 - 48);
}

TEST(ReasonCounterTest, WhatIsNoReasonIsOther) {
  ReasonCounter counter;
  for (const std::string& word : {std::string("spec"), std::string("A B"), std::string("A\n"),
                                  std::string("Ä"), std::string(65, 'A')}) {
    counter.Add(word, "n1");
  }
  counter.Add(std::string(64, 'A'), "n1");
  EXPECT_THAT(counter.Counts(), ElementsAre(Pair(std::string(64, 'A'), 1), Pair("OTHER", 5)));
}

TEST(ReasonCounterTest, AnOlderAgentGivesNone) {
  ReasonCounter counter;
  counter.Add("", "n1");
  EXPECT_THAT(counter.Counts(), ElementsAre(Pair("UNKNOWN", 1)));
}

TEST(ReasonCounterTest, ReasonsAreBoundedAndNothingIsLost) {
  for (const bool other_first : {false, true}) {
    ReasonCounter counter;
    if (other_first) counter.Add("?", "n1");
    for (int i = 0; i < 200; ++i) counter.Add(absl::StrCat("REASON_", i), absl::StrCat("n", i));
    counter.Add("REASON_0", "n1");
    const auto counts = counter.Counts();
    EXPECT_EQ(counts.size(), ReasonCounter::kMaxReasons);
    EXPECT_EQ(counts.at("REASON_0"), 2) << "what is known goes on";
    int64_t sum = 0;
    for (const auto& [reason, count] : counts) sum += count;
    EXPECT_EQ(sum, 201 + other_first);
    EXPECT_EQ(counts.at("OTHER"), 200 - 49 + other_first);
  }
}

TEST(ReasonCounterTest, OneNodeBringsInFew) {
  ReasonCounter counter;
  for (int i = 0; i < 200; ++i) counter.Add(absl::StrCat("REASON_", i), "bad");
  EXPECT_EQ(counter.Counts().size(), ReasonCounter::kMaxNewOfNode + 1);
  EXPECT_EQ(counter.Counts().at("OTHER"), 200 - 8);
  // What others bring in counts for it too.
  counter.Add("REASON_199", "good");
  counter.Add("REASON_199", "bad");
  EXPECT_EQ(counter.Counts().at("REASON_199"), 2);
}

}  // namespace
}  // namespace hotplugger::server
