#include "agent/reconcile/report_items.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace hotplugger::agent {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

ReportItems Items(const std::vector<std::pair<std::string, v1::Outcome>>& rows) {
  ReportItems items;
  for (const auto& [subject, outcome] : rows) {
    v1::ItemResult* item = items.Add();
    item->set_subject(subject);
    item->set_outcome(outcome);
  }
  return items;
}

std::vector<std::pair<std::string, v1::Outcome>> Rows(const ReportItems& items) {
  std::vector<std::pair<std::string, v1::Outcome>> rows;
  for (const auto& item : items) rows.emplace_back(item.subject(), item.outcome());
  return rows;
}

TEST(MergeItemsTest, WhatWasDoneStaysWhenAllIsWell) {
  EXPECT_THAT(Rows(MergeItems(Items({{"cpu3", v1::OUTCOME_CHANGED}}), {})),
              ElementsAre(Pair("cpu3", v1::OUTCOME_CHANGED)));
  EXPECT_THAT(Rows(MergeItems(Items({{"driver/a", v1::OUTCOME_CHANGED}}),
                              Items({{"driver/a", v1::OUTCOME_ALREADY}}))),
              ElementsAre(Pair("driver/a", v1::OUTCOME_CHANGED)));
}

TEST(MergeItemsTest, AFailureOfOneKeepsWhatWasDoneToAnother) {
  EXPECT_THAT(Rows(MergeItems(Items({{"cpu2", v1::OUTCOME_CHANGED}, {"cpu0", v1::OUTCOME_REFUSED}}),
                              Items({{"cpu0", v1::OUTCOME_REFUSED}}))),
              ElementsAre(Pair("cpu2", v1::OUTCOME_CHANGED), Pair("cpu0", v1::OUTCOME_REFUSED)));
}

TEST(MergeItemsTest, WhatFailedBeforeAndNotNowIsLeftOut) {
  EXPECT_THAT(Rows(MergeItems(Items({{"cpu3", v1::OUTCOME_FAILED}}),
                              Items({{"cpu3", v1::OUTCOME_CHANGED}}))),
              ElementsAre(Pair("cpu3", v1::OUTCOME_CHANGED)));
  EXPECT_THAT(Rows(MergeItems(Items({{"cpu3", v1::OUTCOME_FAILED}}), {})), ElementsAre());
}

TEST(MergeItemsTest, WhatFailsNowReplacesWhatWasDone) {
  EXPECT_THAT(Rows(MergeItems(Items({{"cpu3", v1::OUTCOME_CHANGED}}),
                              Items({{"cpu3", v1::OUTCOME_FAILED}}))),
              ElementsAre(Pair("cpu3", v1::OUTCOME_FAILED)));
}

TEST(LimitItemsTest, KeepsFailuresFirstAndSaysHowManyThereWere) {
  v1::NodeReport report;
  for (int i = 0; i < 2 * kMaxReportItems; ++i) {
    v1::ItemResult* item = report.add_items();
    item->set_subject(std::to_string(i));
    item->set_outcome(i % 2 == 0 ? v1::OUTCOME_CHANGED : v1::OUTCOME_FAILED);
  }
  LimitItems(&report);
  ASSERT_EQ(report.items_size(), kMaxReportItems);
  EXPECT_EQ(report.items(0).subject(), "1");
  EXPECT_EQ(report.items(kMaxReportItems - 1).outcome(), v1::OUTCOME_FAILED);
  EXPECT_NE(report.message().find("512"), std::string::npos);
}

TEST(LimitItemsTest, LeavesAShortReportAlone) {
  v1::NodeReport report;
  report.add_items()->set_subject("cpu3");
  LimitItems(&report);
  EXPECT_EQ(report.items_size(), 1);
  EXPECT_EQ(report.message(), "");
}

}  // namespace
}  // namespace hotplugger::agent
