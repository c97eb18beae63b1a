// A fleet without gRPC, and all that /metrics shows of it.
#pragma once

#include <gtest/gtest.h>
#include <prometheus/text_serializer.h>

#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/metrics/fleet_collector.h"
#include "server/metrics/metrics_server.h"
#include "tests/fakes/http_client.h"
#include "tests/fakes/metrics_text.h"
#include "tests/server/fleet/fleet_fixture.h"

namespace hotplugger::server {

class MetricsFixture : public FleetFixture {
 protected:
  MetricsParts Parts() {
    MetricsParts parts;
    parts.registry = registry_.get();
    parts.counters = &counters_;
    parts.totals = &totals_;
    parts.store_timings = &store_timings_;
    parts.store_size_bytes = [this] { return store_size_bytes_; };
    parts.calls = &calls_;
    parts.clock = &steady_clock_;
    parts.epoch = kEpoch;
    parts.version = "1.2.3";
    parts.fleet_id = kFleetId;
    parts.settings = settings_;
    return parts;
  }

  // A controller's own server, in this process.
  std::unique_ptr<MetricsServer> Serve() {
    auto server = StartMetricsServer("127.0.0.1:0", Parts());
    EXPECT_TRUE(server.ok()) << server.status();
    return server.ok() ? *std::move(server) : nullptr;
  }

  // What the fleet's own collector says.
  std::string FleetText() {
    return prometheus::TextSerializer().Serialize(
        FleetCollector(registry_.get(), settings_).Collect());
  }
  // The same, read back; what may not be in a scrape fails the test.
  testing::MetricsText Fleet() {
    testing::MetricsText text(FleetText());
    EXPECT_THAT(text.problems(), ::testing::IsEmpty());
    return text;
  }

  void DeleteNode(const std::string& name) {
    v1::DeleteNodeRequest request;
    request.set_name(name);
    const auto deleted = Ask(&FleetEngine::DeleteNode, request);
    EXPECT_TRUE(deleted.ok()) << deleted.status();
  }

  static CallCounters::Method Method(const std::string& type, const std::string& method) {
    return {type, "hotplugger.v1.FleetService", method};
  }

  MetricsSettings settings_;
  SteadyClock steady_clock_;
  StoreTimings store_timings_;
  int64_t store_size_bytes_ = 4096;
  CallCounters calls_{{Method("unary", "GetNode"), Method("server_stream", "WatchNodes")}};
};

}  // namespace hotplugger::server
