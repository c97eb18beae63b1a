#include "agent/reconcile/observed_link.h"

#include <gtest/gtest.h>

#include "tests/fakes/fake_controller_link.h"
#include "tests/fakes/proto_text.h"

namespace hotplugger::agent {
namespace {

using testing::FakeControllerLink;
using testing::FromText;

v1::NodeReport Report(const std::string& digest, v1::ApplyState state) {
  v1::NodeReport report;
  report.set_digest(digest);
  report.set_state(state);
  return report;
}

v1::Inventory Inventory(const std::string& online) {
  v1::Inventory inventory;
  inventory.set_cpus_online(online);
  return inventory;
}

TEST(ObservedLinkTest, HandsOnAllThatItIsTold) {
  FakeControllerLink next;
  ObservedLink link(&next);
  link.SendAck(FromText<v1::SpecAck>(R"pb(nonce: "n")pb"));
  link.SendOperationResult(FromText<v1::NodeOperationResult>(R"pb(id: "4-1")pb"));
  link.SendReport(Report("d1", v1::APPLY_STATE_APPLIED));
  link.SendRejection(Report("d2", v1::APPLY_STATE_REVERTED));
  link.SendInventory(Inventory("0-3"));
  link.NoteSpecTaken(4, 70);
  EXPECT_TRUE(next.AwaitAck([](const auto& ack) { return ack.nonce() == "n"; }));
  EXPECT_TRUE(next.AwaitResult("4-1"));
  EXPECT_TRUE(next.AwaitReport([](const auto& report) { return report.digest() == "d1"; }));
  EXPECT_TRUE(next.AwaitReport([](const auto& report) { return report.digest() == "d2"; }));
  EXPECT_TRUE(next.AwaitInventory([](const auto& told) { return told.cpus_online() == "0-3"; }));
  EXPECT_EQ(next.spec_taken(), std::make_pair(uint64_t{4}, int64_t{70}));
  EXPECT_TRUE(next.rejection());
  link.ForgetRejection();
  EXPECT_FALSE(next.rejection());
}

TEST(ObservedLinkTest, KeepsTheNewestAlsoWithoutAController) {
  ObservedLink link(nullptr);
  EXPECT_EQ(link.inventory(), nullptr);
  EXPECT_EQ(link.report(), nullptr);
  link.SendInventory(Inventory("0-3"));
  link.SendInventory(Inventory("0-2"));
  link.SendReport(Report("d1", v1::APPLY_STATE_APPLYING));
  link.SendReport(Report("d1", v1::APPLY_STATE_APPLIED));
  ASSERT_NE(link.inventory(), nullptr);
  EXPECT_EQ(link.inventory()->cpus_online(), "0-2");
  ASSERT_NE(link.report(), nullptr);
  EXPECT_EQ(link.report()->state(), v1::APPLY_STATE_APPLIED);
  link.SendAck(v1::SpecAck());
  link.SendOperationResult(v1::NodeOperationResult());
  link.ForgetRejection();
  link.NoteSpecTaken(4, 70);
}

TEST(ObservedLinkTest, WhatWasGivenUpIsNoReportOfTheSpecInForce) {
  ObservedLink link(nullptr);
  link.SendReport(Report("d1", v1::APPLY_STATE_APPLIED));
  link.SendRejection(Report("d2", v1::APPLY_STATE_REVERTED));
  EXPECT_NE(link.report(), nullptr);
  link.SendRejection(Report("d1", v1::APPLY_STATE_REVERTED));
  EXPECT_EQ(link.report(), nullptr);
}

}  // namespace
}  // namespace hotplugger::agent
