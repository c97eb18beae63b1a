#include "server/store/records.h"

#include <gtest/gtest.h>

#include "common/error_info.h"
#include "tests/fakes/memory_store.h"

namespace hotplugger::server {
namespace {

class RecordsTest : public ::testing::Test {
 protected:
  testing::MemoryStore store_;
  Records records_{&store_};
};

TEST_F(RecordsTest, TheIdentityIsKeptAndPutByOneControllerAlone) {
  const auto fresh = records_.GetIdentity();
  ASSERT_TRUE(fresh.ok()) << fresh.status();
  EXPECT_EQ(fresh->mod_revision, 0);
  v1::StoreIdentity identity;
  identity.set_fleet_id("f");
  identity.add_starts()->set_epoch(1);
  ASSERT_TRUE(records_.PutIdentity(identity, 0).ok());
  const auto kept = Records(&store_).GetIdentity();
  ASSERT_TRUE(kept.ok()) << kept.status();
  EXPECT_EQ(kept->message.fleet_id(), "f");
  EXPECT_EQ(records_.PutIdentity(identity, 0).code(), absl::StatusCode::kAborted);
  EXPECT_TRUE(records_.PutIdentity(identity, kept->mod_revision).ok());
}

TEST_F(RecordsTest, ABrokenIdentityIsNamedAndNotReplaced) {
  ASSERT_TRUE(store_.Commit({{}, {{"meta/identity", "many"}}, {}}).ok());
  EXPECT_EQ(ErrorReason(records_.GetIdentity().status()), "BAD_RECORD");
  EXPECT_EQ((**store_.Get("meta/identity")).value, "many");
}

TEST_F(RecordsTest, LoadsWhatWasPut) {
  v1::Policy policy;
  policy.set_name("p");
  v1::Hold hold;
  hold.set_node("n");
  hold.set_subject("driver/alucard");
  v1::Node node;
  node.set_name("n");
  node.set_connected(true);
  node.set_applied_digest("d");
  (*node.mutable_labels())["pool"] = "lab";
  node.set_metrics_address("n1:9416");
  RecordBatch batch;
  batch.PutPolicy(policy, std::nullopt);
  batch.PutHold(hold, std::nullopt);
  batch.PutNode(node, std::nullopt);
  const auto revision = records_.Commit(batch);
  ASSERT_TRUE(revision.ok()) << revision.status();

  const auto loaded = records_.Load();
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  ASSERT_EQ(loaded->policies.size(), 1u);
  EXPECT_EQ(loaded->policies[0].message.name(), "p");
  EXPECT_EQ(loaded->policies[0].mod_revision, *revision);
  ASSERT_EQ(loaded->holds.size(), 1u);
  EXPECT_EQ(loaded->holds[0].message.subject(), "driver/alucard");
  ASSERT_EQ(loaded->nodes.size(), 1u);
  EXPECT_EQ(loaded->nodes[0].message.labels().at("pool"), "lab");
  EXPECT_EQ(loaded->nodes[0].message.metrics_address(), "n1:9416");
  // What changes with every heartbeat is never stored.
  EXPECT_FALSE(loaded->nodes[0].message.connected());
  EXPECT_EQ(loaded->nodes[0].message.applied_digest(), "");
}

TEST_F(RecordsTest, LoadsMoreThanOnePage) {
  for (int i = 0; i < 2500; ++i) {
    v1::Node node;
    node.set_name("n" + std::to_string(i));
    RecordBatch batch;
    batch.PutNode(node, std::nullopt);
    ASSERT_TRUE(records_.Commit(batch).ok());
  }
  EXPECT_EQ(records_.Load()->nodes.size(), 2500u);
}

TEST_F(RecordsTest, ARecordThatCannotBeReadIsNamed) {
  ASSERT_TRUE(store_.Commit({{}, {{"policies/p", "\xff\xff"}}, {}}).ok());
  const absl::Status status = records_.Load().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_NE(status.message().find("policies/p"), absl::string_view::npos);
}

}  // namespace
}  // namespace hotplugger::server
