// A controller and agents in one process, on port 0, with fake hosts under the agents.
#pragma once

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "agent/agent.h"
#include "common/ticker.h"
#include "common/transport/grpc_status.h"
#include "hotplugger/v1/fleet_service.grpc.pb.h"
#include "hotplugger/v1/policy_service.grpc.pb.h"
#include "server/controller.h"
#include "tests/fakes/fake_host.h"
#include "tests/fakes/fake_kernel_hotplugger.h"
#include "tests/fakes/temp_dir.h"

namespace hotplugger {

// A host of four CPUs (cpu0 fixed) with the drivers alucard and bricked, and its agent.
struct TestNode {
  testing::FakeHost host{4};
  agent::FakeKernelHotplugger kernel{host.root()};
  testing::TempDir state;
  std::map<std::string, std::string> labels;
  std::string boot_id;
  // Called on the agent's own thread before a driver is switched; set before that can happen.
  std::function<void()> before_switch = [] {};
  // Has the last word on what an agent is started with.
  std::function<void(agent::AgentOptions*)> adjust = [](agent::AgentOptions*) {};
  // As in agent::Agent::Replacements.
  std::function<std::unique_ptr<Ticker>()> make_ticker = [] {
    return std::make_unique<ThreadTicker>();
  };
  std::unique_ptr<agent::Agent> agent;
};

// Hands the writes of an agent, which owns its writer, to a host that outlives it.
class WriterOf final : public agent::KernelWriter {
 public:
  explicit WriterOf(TestNode& node) : node_(node), host_(node.host) {}
  absl::StatusOr<Answer> Change(const agent::DeviceChange& change, absl::Time deadline) override {
    return host_.Change(change, deadline);
  }
  absl::StatusOr<Answer> SetSmt(const agent::SmtChange& change, absl::Time deadline) override {
    return host_.SetSmt(change, deadline);
  }
  absl::StatusOr<int> SetKernelDriver(absl::string_view driver, bool running,
                                      absl::Time deadline) override {
    node_.before_switch();
    return host_.SetKernelDriver(driver, running, deadline);
  }
  absl::StatusOr<int> SetKnob(const std::string& path, const std::string& value,
                              absl::Time deadline) override {
    return host_.SetKnob(path, value, deadline);
  }
  void AllowKnobs(std::vector<std::string> patterns) override {
    host_.AllowKnobs(std::move(patterns));
  }

 private:
  TestNode& node_;
  testing::FakeHost& host_;
};

class FleetTest : public ::testing::Test {
 protected:
  FleetTest() { StartController(0); }

  // Starts on the port that it had before, or on any free one; `take_over` as in its options.
  void StartController(int port, const std::string& take_over = "") {
    server::Options options;
    options.listen = absl::StrCat("127.0.0.1:", port);
    options.metrics_listen = "127.0.0.1:0";
    options.store = absl::StrCat("sqlite:", dir_.Path("controller.db"));
    options.take_over = take_over;
    auto controller = server::Controller::Create(options);
    ASSERT_TRUE(controller.ok()) << controller.status();
    controller_ = *std::move(controller);
    port_ = controller_->grpc_port();
    const auto channel =
        grpc::CreateChannel(absl::StrCat("127.0.0.1:", port_), grpc::InsecureChannelCredentials());
    policies_ = v1::PolicyService::NewStub(channel);
    fleet_ = v1::FleetService::NewStub(channel);
  }

  void StopController() { controller_.reset(); }

  TestNode& AddNode(
      const std::string& name, std::map<std::string, std::string> labels,
      std::function<void(agent::AgentOptions*)> adjust = [](agent::AgentOptions*) {}) {
    TestNode& node = nodes_[name];
    node.adjust = std::move(adjust);
    node.labels = std::move(labels);
    node.boot_id = absl::StrCat("boot-of-", name);
    node.host.SetDriverWriter(&node.kernel);
    node.kernel.Load({.name = "alucard", .whitelist = {}});
    node.kernel.Load({.name = "bricked", .whitelist = {}});
    StartAgent(name, node);
    return node;
  }

  // An agent for `node` that calls itself `name`; `fleet` as in its options.
  void StartAgent(const std::string& name, TestNode& node, const std::string& fleet = "") {
    agent::AgentOptions options;
    options.node = name;
    options.fleet = fleet;
    options.controller = absl::StrCat("127.0.0.1:", port_);
    options.labels = node.labels;
    options.state_dir = node.state.path();
    options.socket = node.state.Path("agent.sock");
    options.sysroot = node.host.root();
    options.config = config_;
    // Nothing of this machine's own.
    options.driver_folders = {};
    options.bus = "unix:path=/nowhere";
    node.adjust(&options);
    agent::Agent::Replacements replacements;
    replacements.writer = std::make_unique<WriterOf>(node);
    replacements.monitor_uevents = false;
    replacements.reconnect = {.base = absl::Milliseconds(20), .cap = absl::Milliseconds(100)};
    replacements.reconciler.retry = {.base = absl::Milliseconds(5), .cap = absl::Milliseconds(20)};
    replacements.boot_id = node.boot_id;
    replacements.make_ticker = node.make_ticker;
    auto agent = agent::Agent::Create(options, std::move(replacements));
    ASSERT_TRUE(agent.ok()) << agent.status();
    node.agent = *std::move(agent);
  }

  absl::StatusOr<v1::ApplyPolicyResponse> Apply(const v1::Policy& policy) {
    v1::ApplyPolicyRequest request;
    *request.mutable_policy() = policy;
    return Call<v1::ApplyPolicyResponse>([&](auto* context, auto* answer) {
      return policies_->ApplyPolicy(context, request, answer);
    });
  }

  absl::StatusOr<v1::DeletePolicyResponse> Delete(const std::string& name) {
    v1::DeletePolicyRequest request;
    request.set_name(name);
    return Call<v1::DeletePolicyResponse>([&](auto* context, auto* answer) {
      return policies_->DeletePolicy(context, request, answer);
    });
  }

  absl::StatusOr<v1::Node> GetNode(const std::string& name) {
    v1::GetNodeRequest request;
    request.set_name(name);
    auto response = Call<v1::GetNodeResponse>(
        [&](auto* context, auto* answer) { return fleet_->GetNode(context, request, answer); });
    if (!response.ok()) return response.status();
    return response->node();
  }

  // Each node's answer, by name.
  absl::StatusOr<std::map<std::string, v1::OperationResult>> Operate(
      const v1::OperateNodesRequest& request) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
    const auto reader = fleet_->OperateNodes(&context, request);
    std::map<std::string, v1::OperationResult> answers;
    v1::OperateNodesResponse answer;
    while (reader->Read(&answer)) answers[answer.node()] = answer.result();
    const absl::Status status = FromGrpcStatus(reader->Finish());
    if (!status.ok()) return status;
    return answers;
  }

  template <typename Response, typename Rpc>
  static absl::StatusOr<Response> Call(const Rpc& rpc) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
    context.set_wait_for_ready(true);
    Response response;
    const absl::Status status = FromGrpcStatus(rpc(&context, &response));
    if (!status.ok()) return status;
    return response;
  }

  // Asks for the node until `fits` holds; false after 30 s. Every question is a call, so this
  // doesn't spin.
  bool Eventually(const std::string& name, const std::function<bool(const v1::Node&)>& fits) {
    const absl::Time deadline = absl::Now() + absl::Seconds(30);
    absl::StatusOr<v1::Node> node;
    do {
      node = GetNode(name);
      if (node.ok() && fits(*node)) return true;
    } while (absl::Now() < deadline);
    ADD_FAILURE() << name << ": " << (node.ok() ? node->DebugString() : node.status().ToString());
    return false;
  }

  std::string WriteConfig() {
    dir_.Write("agent.yaml", "limits: {cpus: {min_online: 1, min_online_percent: 1}}\n");
    return dir_.Path("agent.yaml");
  }

  bool EventuallyOnline(const std::string& name, const std::string& cpus) {
    return Eventually(name, [&](const v1::Node& node) {
      return node.in_sync() && node.inventory().cpus_online() == cpus;
    });
  }

  testing::TempDir dir_;
  // Limits have tests of their own; here any CPU but the last may go.
  std::string config_ = WriteConfig();
  std::map<std::string, TestNode> nodes_;
  std::unique_ptr<server::Controller> controller_;
  int port_ = 0;
  std::unique_ptr<v1::PolicyService::Stub> policies_;
  std::unique_ptr<v1::FleetService::Stub> fleet_;
};

// Keeps `cpus` of the nodes with pool=lab offline.
inline v1::Policy ParkPolicy(const std::string& cpus) {
  v1::Policy policy;
  policy.set_name("park");
  (*policy.mutable_selector()->mutable_match_labels())["pool"] = "lab";
  policy.mutable_cpu()->set_offline(cpus);
  return policy;
}

}  // namespace hotplugger
