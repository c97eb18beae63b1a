#include "server/metrics/label_name.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hotplugger::server {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

TEST(MetricLabelNameTest, KeepsWhatPrometheusHasAPlaceFor) {
  EXPECT_EQ(MetricLabelName("label_", "zone"), "label_zone");
  EXPECT_EQ(MetricLabelName("label_", "topology.kubernetes.io/zone-1_B"),
            "label_topology_kubernetes_io_zone_1_B");
  EXPECT_EQ(MetricLabelName("label_", "9\xff é"), "label_9____");
}

TEST(MetricLabelNamesTest, OfTwoThatBecomeTheSameTheFirstByKeyCounts) {
  EXPECT_THAT(MetricLabelNames("l_", {"b", "a/b", "a.b", "a-b"}),
              ElementsAre(Pair("l_a_b", "a-b"), Pair("l_b", "b")));
}

}  // namespace
}  // namespace hotplugger::server
