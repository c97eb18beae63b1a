// A fleet without gRPC: real engine, sessions and registry over a store in memory.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <future>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "server/fleet/fleet_engine.h"
#include "server/fleet/node_session.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fakes/fake_node_link.h"
#include "tests/fakes/memory_store.h"
#include "tests/fakes/proto_text.h"

namespace hotplugger::server {

// One agent's stream.
struct FakeAgent {
  std::shared_ptr<testing::FakeNodeLink> link = std::make_shared<testing::FakeNodeLink>();
  std::unique_ptr<NodeSession> session;

  absl::Status Say(const v1::AgentMessage& message) { return session->OnMessage(message, link); }
  absl::Status Say(const std::string& text) {
    return Say(testing::FromText<v1::AgentMessage>(text));
  }
};

class FleetFixture : public ::testing::Test {
 protected:
  static constexpr uint64_t kEpoch = 7;
  static constexpr char kFleetId[] = "fleet-1";

  static FleetIdentity MakeIdentity() {
    v1::StoreIdentity identity;
    identity.set_fleet_id(kFleetId);
    v1::ControllerStart& start = *identity.add_starts();
    start.set_epoch(kEpoch);
    start.set_epoch_id("start-7");
    return FleetIdentity(std::move(identity));
  }

  FleetFixture() { Start(); }

  // A controller over the same store, as after a restart.
  void Start() {
    engine_.reset();
    desk_.reset();
    changes_.reset();
    state_.reset();
    registry_ = std::make_unique<NodeRegistry>(&clock_, &spec_clock_, max_nodes_, &feed_, &events_,
                                               &counters_, &totals_);
    state_ = std::make_unique<FleetState>(&records_, registry_.get(), &clock_, &counters_, &feed_,
                                          &events_);
    const absl::Status loaded = state_->Load();
    EXPECT_TRUE(loaded.ok()) << loaded;
    desk_ = std::make_unique<OperationDesk>(registry_.get(), kEpoch);
    changes_ = std::make_unique<ChangeLog>(&records_, &clock_, audit_limits_, &audit_feed_);
    const absl::Status changes_loaded = changes_->Load();
    EXPECT_TRUE(changes_loaded.ok()) << changes_loaded;
    engine_ = std::make_unique<FleetEngine>(state_.get(), changes_.get(), &counters_, kEpoch);
  }

  FakeAgent NewAgent() {
    FakeAgent agent;
    agent.session =
        std::make_unique<NodeSession>(registry_.get(), engine_.get(), desk_.get(), &counters_,
                                      &totals_, SessionOptions{&identity_, absl::Seconds(20)});
    return agent;
  }

  // A connected agent; `rest` is more of its Hello, in text.
  FakeAgent Connect(const std::string& node, const std::string& rest = "") {
    FakeAgent agent = NewAgent();
    const absl::Status status =
        agent.Say("hello {node: \"" + node + "\" boot_id: \"boot-" + node + "\" " + rest + "}");
    EXPECT_TRUE(status.ok()) << status;
    Settle();
    return agent;
  }

  // Waits until the engine has done all that was asked so far, pushes included.
  void Settle() {
    // A task's pushes come after its answer, so the second answer is behind the first's pushes.
    for (int i = 0; i < 2; ++i) (void)ListNodes();
  }

  // Asks the engine and waits for the answer.
  template <typename Response, typename Request>
  absl::StatusOr<Response> Ask(void (FleetEngine::*method)(const Request&,
                                                           FleetEngine::Done<Response>),
                               const Request& request) {
    auto promise = std::make_shared<std::promise<absl::StatusOr<Response>>>();
    auto answer = promise->get_future();
    (engine_.get()->*method)(request, [promise](absl::StatusOr<Response> response) {
      promise->set_value(std::move(response));
    });
    return answer.get();
  }

  // The same of what changes something.
  template <typename Response, typename Request>
  absl::StatusOr<Response> Ask(void (FleetEngine::*method)(const Request&, Caller,
                                                           FleetEngine::Done<Response>),
                               const Request& request) {
    auto promise = std::make_shared<std::promise<absl::StatusOr<Response>>>();
    auto answer = promise->get_future();
    (engine_.get()->*method)(request, caller_, [promise](absl::StatusOr<Response> response) {
      promise->set_value(std::move(response));
    });
    return answer.get();
  }

  absl::StatusOr<v1::ApplyPolicyResponse> Apply(const std::string& policy,
                                                bool validate_only = false) {
    v1::ApplyPolicyRequest request;
    *request.mutable_policy() = testing::FromText<v1::Policy>(policy);
    request.set_validate_only(validate_only);
    return Ask(&FleetEngine::ApplyPolicy, request);
  }

  absl::StatusOr<v1::SetHoldResponse> SetHold(const std::string& hold) {
    v1::SetHoldRequest request;
    *request.mutable_hold() = testing::FromText<v1::Hold>(hold);
    return Ask(&FleetEngine::SetHold, request);
  }

  v1::ListNodesResponse ListNodes() {
    const auto response = Ask(&FleetEngine::ListNodes, v1::ListNodesRequest());
    EXPECT_TRUE(response.ok()) << response.status();
    return response.value_or(v1::ListNodesResponse());
  }

  v1::Node GetNode(const std::string& name) {
    v1::GetNodeRequest request;
    request.set_name(name);
    const auto response = Ask(&FleetEngine::GetNode, request);
    EXPECT_TRUE(response.ok()) << response.status();
    return response.ok() ? response->node() : v1::Node();
  }

  // The types of the events about a resource and what lies below it, the latest last.
  std::vector<std::string> EventsOf(const std::string& resource) {
    v1::EventFilter filter;
    filter.set_resource(resource);
    std::vector<std::string> types;
    for (const auto& event : events_.List(filter, kAllEvents, 1000)) types.push_back(event->type());
    std::reverse(types.begin(), types.end());
    return types;
  }

  static constexpr int64_t kAllEvents = std::numeric_limits<int64_t>::max();
  size_t max_nodes_ = 100;
  AuditLimits audit_limits_;
  Caller caller_{.peer = "ipv4:10.0.0.1:4711", .identity = ""};
  const FleetIdentity identity_ = MakeIdentity();
  FakeClock clock_;
  // By which specs are measured.
  FakeClock spec_clock_;
  FleetCounters counters_;
  AgentTotals totals_;
  ChangeFeed feed_;
  EventLog events_{&clock_};
  testing::MemoryStore store_;
  Records records_{&store_};
  AuditFeed audit_feed_{&records_};
  std::unique_ptr<NodeRegistry> registry_;
  std::unique_ptr<FleetState> state_;
  std::unique_ptr<ChangeLog> changes_;
  std::unique_ptr<OperationDesk> desk_;
  std::unique_ptr<FleetEngine> engine_;
};

}  // namespace hotplugger::server
