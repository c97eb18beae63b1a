// An agent's own ports: /metrics, and the health service.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <functional>
#include <memory>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "common/clock.h"
#include "common/mutex.h"
#include "common/scoped_fd.h"
#include "hotplugger/v1/host_service.grpc.pb.h"
#include "tests/fakes/health_client.h"
#include "tests/fakes/http_client.h"
#include "tests/integration/fleet_fixture.h"

namespace hotplugger {
namespace {

using ::testing::AllOf;
using testing::CheckHealth;
using ::testing::HasSubstr;
using testing::HttpGet;

// A port of loopback that nobody else can have while this lives.
class TakenPort {
 public:
  TakenPort() : socket_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const raw = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(bind(socket_.get(), raw, size), 0);
    EXPECT_EQ(listen(socket_.get(), 1), 0);
    EXPECT_EQ(getsockname(socket_.get(), raw, &size), 0);
    port_ = ntohs(address.sin_port);
  }
  std::string address() const { return absl::StrCat("127.0.0.1:", port_); }

 private:
  const ScopedFd socket_;
  int port_ = 0;
};

// Beats when a test says so.
class ManualTicker final : public Ticker {
 public:
  explicit ManualTicker(std::shared_ptr<std::function<void()>> tick) : tick_(std::move(tick)) {}
  void Start(absl::Duration /*interval*/, std::function<void()> tick) override {
    *tick_ = std::move(tick);
  }
  void Stop() override { *tick_ = nullptr; }

 private:
  const std::shared_ptr<std::function<void()>> tick_;
};

// More calls than an agent's operation queue takes. Its end awaits theirs.
class FilledQueue {
 public:
  explicit FilledQueue(const std::string& socket)
      : stub_(v1::HostService::NewStub(
            grpc::CreateChannel("unix:" + socket, grpc::InsecureChannelCredentials()))) {
    for (Call& call : calls_) {
      call.context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
      call.request.set_driver("alucard");
      stub_->async()->EnableDriver(&call.context, &call.request, &call.response,
                                   [this](const grpc::Status& status) { NoteEnd(status); });
    }
  }
  ~FilledQueue() {
    EXPECT_TRUE(Await([this]() { return ended_ == kCalls; }));
  }
  FilledQueue(const FilledQueue&) = delete;
  FilledQueue& operator=(const FilledQueue&) = delete;

  // Whether one was not taken.
  bool AwaitRefusal() {
    return Await([this] { return refused_ > 0; });
  }

 private:
  static constexpr int kCalls = 300;
  struct Call {
    grpc::ClientContext context;
    v1::EnableDriverRequest request;
    v1::EnableDriverResponse response;
  };

  void NoteEnd(const grpc::Status& status) {
    MutexLock lock(&mutex_);
    ++ended_;
    if (status.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED) ++refused_;
    changed_.NotifyAll();
  }
  bool Await(const std::function<bool()>& fits) {
    const absl::Time deadline = SteadyNow() + absl::Seconds(90);
    MutexLock lock(&mutex_);
    while (!fits()) {
      if (SteadyNow() >= deadline) return false;
      changed_.WaitUntil(&mutex_, deadline);
    }
    return true;
  }

  const std::unique_ptr<v1::HostService::Stub> stub_;
  Mutex mutex_;
  CondVar changed_;
  int ended_ = 0;
  int refused_ = 0;
  std::array<Call, kCalls> calls_;
};

bool HasCondition(const v1::Node& node, const std::string& type) {
  return std::any_of(node.conditions().begin(), node.conditions().end(),
                     [&type](const auto& condition) { return condition.type() == type; });
}

class AgentEndpointsTest : public FleetTest {
 protected:
  static void ServeMetrics(agent::AgentOptions* options) {
    options->metrics_listen = "127.0.0.1:0";
  }
  static std::string Scrape(TestNode& node) {
    const testing::HttpAnswer answer = HttpGet(node.agent->metrics_port(), "/metrics");
    EXPECT_EQ(answer.status, 200);
    return answer.body;
  }
};

TEST_F(AgentEndpointsTest, MetricsTellOfAChangeAsSoonAsItIsReported) {
  TestNode& node = AddNode("alpha", {{"pool", "lab"}}, ServeMetrics);
  ASSERT_TRUE(Apply(ParkPolicy("3")).ok());
  ASSERT_TRUE(EventuallyOnline("alpha", "0-2"));
  EXPECT_THAT(
      Scrape(node),
      AllOf(HasSubstr("hotplugger_agent_connected 1\n"), HasSubstr("hotplugger_agent_in_sync 1\n"),
            HasSubstr("hotplugger_agent_cpus{state=\"offline\"} 1\n"),
            HasSubstr("hotplugger_agent_cpu_online{cpu=\"3\"} 0\n"),
            HasSubstr("hotplugger_agent_driver_running{driver=\"alucard\"} 0\n"),
            HasSubstr("hotplugger_agent_operations_total{kind=\"cpu\",action=\"offline\","
                      "outcome=\"changed\",reason=\"\"} 1\n"),
            HasSubstr("hotplugger_agent_queue_capacity{queue=\"operation\"} 256\n"),
            HasSubstr("process_threads ")));
  EXPECT_EQ(HttpGet(node.agent->metrics_port(), "/sd").status, 404);
}

TEST_F(AgentEndpointsTest, NothingListensWhereNothingSaysSo) {
  TestNode& node = AddNode("alpha", {});
  EXPECT_EQ(node.agent->metrics_port(), 0);
  EXPECT_EQ(node.agent->health_port(), 0);
}

TEST_F(AgentEndpointsTest, MetricsNeedNoController) {
  TestNode& node = AddNode("alpha", {}, [](agent::AgentOptions* options) {
    options->controller.clear();
    ServeMetrics(options);
  });
  const absl::Time deadline = absl::Now() + absl::Seconds(30);
  std::string answer;
  do {
    answer = Scrape(node);
  } while (!absl::StrContains(answer, "hotplugger_agent_cpus") && absl::Now() < deadline);
  EXPECT_THAT(answer, AllOf(HasSubstr("hotplugger_agent_connected 0\n"),
                            HasSubstr("hotplugger_agent_cpus{state=\"online\"} 4\n")));
}

TEST_F(AgentEndpointsTest, APortThatIsTakenKeepsNothingFromBeingDone) {
  auto taken = std::make_unique<TakenPort>();
  const std::string address = taken->address();
  const auto try_again = std::make_shared<std::function<void()>>();
  TestNode& node = nodes_["alpha"];
  node.make_ticker = [try_again] { return std::make_unique<ManualTicker>(try_again); };
  AddNode("alpha", {{"pool", "lab"}}, [&address](agent::AgentOptions* options) {
    options->metrics_listen = address;
    options->metrics_address = "alpha.example:9416";
  });
  ASSERT_NE(node.agent, nullptr);
  EXPECT_EQ(node.agent->metrics_port(), 0);
  ASSERT_TRUE(Apply(ParkPolicy("3")).ok());
  EXPECT_TRUE(EventuallyOnline("alpha", "0-2"));
  EXPECT_TRUE(Eventually("alpha", [](const v1::Node& seen) {
    return HasCondition(seen, "METRICS_NOT_SERVED") &&
           seen.metrics_address() == "alpha.example:9416";
  }));
  (*try_again)();
  EXPECT_EQ(node.agent->metrics_port(), 0);
  taken.reset();
  (*try_again)();
  EXPECT_THAT(Scrape(node), HasSubstr("hotplugger_agent_cpus{state=\"online\"} 3\n"));
  EXPECT_TRUE(Eventually(
      "alpha", [](const v1::Node& seen) { return !HasCondition(seen, "METRICS_NOT_SERVED"); }));
}

TEST_F(AgentEndpointsTest, AConditionGoesThoughTheQueueWasFullAsItWasMended) {
  auto taken = std::make_unique<TakenPort>();
  const std::string address = taken->address();
  const auto try_again = std::make_shared<std::function<void()>>();
  absl::Notification held;
  absl::Notification let_go;
  TestNode& node = nodes_["alpha"];
  node.make_ticker = [try_again] { return std::make_unique<ManualTicker>(try_again); };
  node.before_switch = [&held, &let_go] {
    if (!held.HasBeenNotified()) held.Notify();
    let_go.WaitForNotificationWithTimeout(absl::Seconds(60));
  };
  AddNode("alpha", {},
          [&address](agent::AgentOptions* options) { options->metrics_listen = address; });
  EXPECT_TRUE(Eventually(
      "alpha", [](const v1::Node& seen) { return HasCondition(seen, "METRICS_NOT_SERVED"); }));
  {
    FilledQueue filled(node.state.Path("agent.sock"));
    EXPECT_TRUE(held.WaitForNotificationWithTimeout(absl::Seconds(30)));
    EXPECT_TRUE(filled.AwaitRefusal());
    taken.reset();
    (*try_again)();
    EXPECT_NE(node.agent->metrics_port(), 0);
    let_go.Notify();
  }
  EXPECT_TRUE(Eventually(
      "alpha", [](const v1::Node& seen) { return !HasCondition(seen, "METRICS_NOT_SERVED"); }));
  // It looks at what ends here.
  node.agent.reset();
}

TEST_F(AgentEndpointsTest, ProbesHearWhetherTheAgentWorks) {
  TestNode& node = AddNode(
      "alpha", {}, [](agent::AgentOptions* options) { options->health_listen = "127.0.0.1:0"; });
  ASSERT_NE(node.agent->health_port(), 0);
  EXPECT_EQ(CheckHealth(node.agent->health_port()), "SERVING");
  node.agent->Stop();
  EXPECT_EQ(CheckHealth(node.agent->health_port()), "NOT_SERVING");
}

TEST_F(AgentEndpointsTest, AHealthPortThatIsTakenIsACondition) {
  const TakenPort taken;
  AddNode("alpha", {},
          [&taken](agent::AgentOptions* options) { options->health_listen = taken.address(); });
  EXPECT_TRUE(Eventually(
      "alpha", [](const v1::Node& seen) { return HasCondition(seen, "HEALTH_NOT_SERVED"); }));
}

}  // namespace
}  // namespace hotplugger
