#include "agent/link/controller_connector.h"

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <optional>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/clock.h"
#include "common/error_info.h"
#include "common/mutex.h"
#include "common/transport/grpc_status.h"

namespace hotplugger::agent {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

using ServerStream = grpc::ServerReaderWriter<v1::ControllerMessage, v1::AgentMessage>;

v1::ControllerMessage WelcomeOf(uint64_t epoch, const std::string& fleet_id = "") {
  v1::ControllerMessage message;
  message.set_epoch(epoch);
  message.mutable_welcome()->set_fleet_id(fleet_id);
  if (!fleet_id.empty()) message.mutable_welcome()->set_epoch_id(absl::StrCat("start-", epoch));
  return message;
}

v1::AgentMessage Next(ServerStream* stream) {
  v1::AgentMessage message;
  EXPECT_TRUE(stream->Read(&message)) << "the agent ended the stream";
  return message;
}

// The next one but for what was counted, which comes with each welcome.
v1::AgentMessage NextOther(ServerStream* stream) {
  v1::AgentMessage message;
  do {
    message = Next(stream);
  } while (message.has_metrics());
  return message;
}

// Reads on until a message fits: all that came, or nothing when the stream ended first.
std::optional<std::vector<v1::AgentMessage>> ReadUntil(
    ServerStream* stream, const std::function<bool(const v1::AgentMessage&)>& fits) {
  std::vector<v1::AgentMessage> messages;
  v1::AgentMessage message;
  while (stream->Read(&message)) {
    messages.push_back(message);
    if (fits(message)) return messages;
  }
  return std::nullopt;
}

// Takes the agent in, and waits until it knows: before that it keeps all but Hello to itself. It
// has an inventory to send.
void WelcomeAndWait(ServerStream* stream) {
  Next(stream);
  stream->Write(WelcomeOf(4));
  EXPECT_TRUE(ReadUntil(stream, [](const auto& message) { return message.has_inventory(); }));
}

// A controller whose every stream follows the next line of a script. Synchronous, on gRPC's own
// threads: it may block.
class ScriptedController final : public v1::LinkService::Service {
 public:
  using Act = std::function<grpc::Status(ServerStream*)>;

  ScriptedController() {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
  }
  ~ScriptedController() override { server_->Shutdown(std::chrono::system_clock::now()); }

  void Then(Act act) {
    MutexLock lock(&mutex_);
    acts_.push_back(std::move(act));
  }

  // Waits until every act has been played.
  bool AwaitEnd() {
    const absl::Time deadline = SteadyNow() + absl::Seconds(30);
    MutexLock lock(&mutex_);
    while (!acts_.empty() || playing_ > 0) {
      if (SteadyNow() >= deadline) return false;
      changed_.WaitUntil(&mutex_, deadline);
    }
    return true;
  }

  grpc::Status Connect(grpc::ServerContext* /*context*/, ServerStream* stream) override {
    std::optional<Act> act;
    {
      MutexLock lock(&mutex_);
      if (!acts_.empty()) {
        act = std::move(acts_.front());
        acts_.pop_front();
        ++playing_;
      }
    }
    if (!act) return {grpc::StatusCode::UNAVAILABLE, "the script is over"};
    grpc::Status status = (*act)(stream);
    MutexLock lock(&mutex_);
    --playing_;
    changed_.NotifyAll();
    return status;
  }

  int port() const { return port_; }

 private:
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
  Mutex mutex_;
  CondVar changed_;
  std::deque<Act> acts_ ABSL_GUARDED_BY(mutex_);
  int playing_ ABSL_GUARDED_BY(mutex_) = 0;
};

class ControllerConnectorTest : public ::testing::Test {
 protected:
  ControllerConnectorTest() { Make({.base = absl::Milliseconds(1), .cap = absl::Milliseconds(5)}); }

  void Make(Backoff::Options backoff) {
    ControllerConnector::Options options;
    options.controller = absl::StrCat("127.0.0.1:", controller_.port());
    options.hello.set_node("alpha");
    options.hello.set_largest_epoch(3);
    options.hello.set_spec_epoch(2);
    options.hello.set_spec_store_revision(70);
    options.backoff = backoff;
    connector_ = std::make_unique<ControllerConnector>(
        options,
        ControllerConnector::Sinks{
            .welcome =
                [this](const ControllerIdentity& from) {
                  Note(absl::StrCat("welcome ", from.epoch));
                },
            .spec =
                [this](const v1::Spec& spec, const ControllerIdentity& from) {
                  Note(absl::StrCat("spec ", spec.digest(), " ", from.epoch));
                },
            .confirmation =
                [this](const std::string& digest, const ControllerIdentity& from) {
                  Note(absl::StrCat("confirmation ", digest, " ", from.epoch));
                },
            .operation =
                [this](const v1::NodeOperation& operation, const ControllerIdentity& from) {
                  Note(absl::StrCat("operation ", operation.id(), " ", from.epoch));
                },
            .metrics =
                [this] {
                  Note("counted");
                  v1::MetricsSnapshot snapshot;
                  snapshot.set_uevents_received(7);
                  return snapshot;
                }});
  }

  static v1::NodeReport Applied(const std::string& digest) {
    v1::NodeReport report;
    report.set_digest(digest);
    report.set_state(v1::APPLY_STATE_APPLIED);
    return report;
  }

  void Note(std::string event) {
    MutexLock lock(&mutex_);
    events_.push_back(std::move(event));
  }
  std::vector<std::string> events() {
    MutexLock lock(&mutex_);
    return events_;
  }

  ScriptedController controller_;
  Mutex mutex_;
  // What the sinks were given, in order.
  std::vector<std::string> events_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<ControllerConnector> connector_;
};

TEST_F(ControllerConnectorTest, SaysHelloFirstAndTheRestOnlyWhenWelcome) {
  connector_->SendReport(Applied("d1"));
  connector_->SendInventory(v1::Inventory());
  controller_.Then([](ServerStream* stream) {
    const v1::AgentMessage hello = Next(stream);
    EXPECT_EQ(hello.hello().node(), "alpha");
    EXPECT_EQ(hello.hello().applied_digest(), "d1");
    EXPECT_EQ(hello.hello().largest_epoch(), 3U);
    stream->Write(WelcomeOf(4));
    EXPECT_TRUE(NextOther(stream).has_inventory());
    EXPECT_TRUE(NextOther(stream).has_report());
    return grpc::Status::OK;
  });
  connector_->Start();
  EXPECT_TRUE(controller_.AwaitEnd());
}

// So that the controller knows what all that follows is counted on top of.
TEST_F(ControllerConnectorTest, WhatWasCountedGoesFirstOnEachStream) {
  connector_->SendReport(Applied("d1"));
  connector_->SendInventory(v1::Inventory());
  for (int i = 0; i < 2; ++i) {
    controller_.Then([](ServerStream* stream) {
      Next(stream);
      stream->Write(WelcomeOf(4));
      v1::ControllerMessage spec;
      spec.set_epoch(4);
      spec.mutable_spec()->set_digest("d2");
      stream->Write(spec);
      EXPECT_EQ(Next(stream).metrics().uevents_received(), 7);
      EXPECT_TRUE(Next(stream).has_inventory());
      EXPECT_TRUE(Next(stream).has_report());
      v1::ControllerMessage ping;
      ping.mutable_ping()->set_sequence(1);
      stream->Write(ping);
      EXPECT_EQ(Next(stream).pong().sequence(), 1U) << "it has taken the spec";
      return grpc::Status::OK;
    });
  }
  connector_->Start();
  EXPECT_TRUE(controller_.AwaitEnd());
  EXPECT_THAT(events(), ElementsAre("welcome 4", "counted", "spec d2 4",  //
                                    "welcome 4", "counted", "spec d2 4"));
}

TEST_F(ControllerConnectorTest, HandsSpecsAndOperationsOnAndAnswersPings) {
  controller_.Then([](ServerStream* stream) {
    Next(stream);
    stream->Write(WelcomeOf(4));
    v1::ControllerMessage spec;
    spec.set_epoch(4);
    spec.mutable_spec()->set_digest("d2");
    stream->Write(spec);
    v1::ControllerMessage confirmation;
    confirmation.set_epoch(4);
    confirmation.mutable_spec_confirmation()->set_digest("d2");
    stream->Write(confirmation);
    v1::ControllerMessage operation;
    operation.set_epoch(4);
    operation.mutable_operation()->set_id("4-1");
    stream->Write(operation);
    v1::ControllerMessage ping;
    ping.mutable_ping()->set_sequence(9);
    stream->Write(ping);
    EXPECT_EQ(NextOther(stream).pong().sequence(), 9U);
    return grpc::Status::OK;
  });
  connector_->Start();
  EXPECT_TRUE(controller_.AwaitEnd());
  EXPECT_THAT(events(), ElementsAre("welcome 4", "counted", "spec d2 4", "confirmation d2 4",
                                    "operation 4-1 4"));
}

TEST_F(ControllerConnectorTest, APingMayAskForWhatWasCounted) {
  controller_.Then([](ServerStream* stream) {
    Next(stream);
    stream->Write(WelcomeOf(4));
    EXPECT_TRUE(Next(stream).has_metrics()) << "which the welcome asks for";
    v1::ControllerMessage ping;
    ping.mutable_ping()->set_sequence(1);
    stream->Write(ping);
    EXPECT_EQ(Next(stream).pong().sequence(), 1U);
    ping.mutable_ping()->set_sequence(2);
    ping.mutable_ping()->set_wants_metrics(true);
    stream->Write(ping);
    // Either goes first where the agent has not yet heard that its last write has ended.
    const v1::AgentMessage first = Next(stream);
    const v1::AgentMessage second = Next(stream);
    const bool pong_first = first.has_pong();
    EXPECT_EQ((pong_first ? first : second).pong().sequence(), 2U);
    EXPECT_EQ((pong_first ? second : first).metrics().uevents_received(), 7);
    return grpc::Status::OK;
  });
  connector_->Start();
  EXPECT_TRUE(controller_.AwaitEnd());
  EXPECT_THAT(events(), ElementsAre("welcome 4", "counted", "counted"));
}

TEST_F(ControllerConnectorTest, HelloTellsWhereMetricsAre) {
  connector_->SetMetricsAddress("node1:9416");
  for (int i = 0; i < 2; ++i) {
    controller_.Then([](ServerStream* stream) {
      EXPECT_EQ(Next(stream).hello().metrics_address(), "node1:9416");
      return grpc::Status(grpc::StatusCode::UNAVAILABLE, "not now");
    });
  }
  connector_->Start();
  EXPECT_TRUE(controller_.AwaitEnd());
}

TEST_F(ControllerConnectorTest, IsConnectedFromTheWelcomeToTheEndOfTheStream) {
  Make({.base = absl::Hours(24), .cap = absl::Hours(24)});
  EXPECT_FALSE(connector_->connected());
  connector_->SendInventory(v1::Inventory());
  controller_.Then([this](ServerStream* stream) {
    WelcomeAndWait(stream);
    EXPECT_TRUE(connector_->connected());
    return grpc::Status(grpc::StatusCode::UNAVAILABLE, "that is all");
  });
  connector_->Start();
  EXPECT_TRUE(controller_.AwaitEnd());
  const absl::Time deadline = SteadyNow() + absl::Seconds(30);
  while (connector_->connected() && SteadyNow() < deadline) std::this_thread::yield();
  EXPECT_FALSE(connector_->connected());
}

TEST_F(ControllerConnectorTest, WhoIsNotObeyedIsNoConnection) {
  Make({.base = absl::Hours(24), .cap = absl::Hours(24)});
  controller_.Then([this](ServerStream* stream) {
    EXPECT_FALSE(connector_->connected()) << "before any welcome";
    Next(stream);
    stream->Write(WelcomeOf(2));
    v1::AgentMessage message;
    EXPECT_FALSE(stream->Read(&message)) << "the agent goes on";
    EXPECT_FALSE(connector_->connected());
    return grpc::Status::OK;
  });
  connector_->Start();
  EXPECT_TRUE(controller_.AwaitEnd());
}

TEST_F(ControllerConnectorTest, AnOperationsAnswerGoesBackOnItsStream) {
  connector_->SendInventory(v1::Inventory());
  controller_.Then([this](ServerStream* stream) {
    WelcomeAndWait(stream);
    v1::NodeOperationResult result;
    result.set_id("4-1");
    result.mutable_result()->mutable_enable_driver();
    connector_->SendOperationResult(result);
    const auto answers =
        ReadUntil(stream, [](const auto& message) { return message.has_operation_result(); });
    EXPECT_TRUE(answers && answers->back().operation_result().id() == "4-1");
    return grpc::Status::OK;
  });
  connector_->Start();
  EXPECT_TRUE(controller_.AwaitEnd());
}

TEST_F(ControllerConnectorTest, ComesBackAfterARefusalAndRemembersTheEpoch) {
  controller_.Then([](ServerStream* stream) {
    Next(stream);
    stream->Write(WelcomeOf(7));
    return grpc::Status(grpc::StatusCode::UNAVAILABLE, "restarting");
  });
  controller_.Then([](ServerStream* stream) {
    Next(stream);
    return ToGrpcStatus(
        MakeError(absl::StatusCode::kAlreadyExists, "NODE_NAME_TAKEN", "another host"));
  });
  controller_.Then([](ServerStream* stream) {
    EXPECT_EQ(Next(stream).hello().largest_epoch(), 7U);
    return grpc::Status::OK;
  });
  connector_->Start();
  EXPECT_TRUE(controller_.AwaitEnd());
}

TEST_F(ControllerConnectorTest, AControllerOfAnotherFleetIsNotHeard) {
  controller_.Then([](ServerStream* stream) {
    Next(stream);
    stream->Write(WelcomeOf(7, "one"));
    return grpc::Status(grpc::StatusCode::UNAVAILABLE, "restarting");
  });
  controller_.Then([](ServerStream* stream) {
    const v1::Hello hello = Next(stream).hello();
    EXPECT_EQ(hello.fleet_id(), "one");
    EXPECT_EQ(hello.epoch_id(), "start-7");
    stream->Write(WelcomeOf(9, "two"));
    v1::ControllerMessage spec;
    spec.set_epoch(9);
    spec.mutable_spec()->set_digest("d2");
    stream->Write(spec);
    v1::AgentMessage message;
    EXPECT_FALSE(stream->Read(&message)) << "the agent goes on";
    return grpc::Status::OK;
  });
  controller_.Then([](ServerStream* stream) {
    EXPECT_EQ(Next(stream).hello().fleet_id(), "one");
    return grpc::Status::OK;
  });
  connector_->Start();
  EXPECT_TRUE(controller_.AwaitEnd());
  EXPECT_THAT(events(), ElementsAre("welcome 7", "counted"));
}

// Once kept they would have every later Hello refused.
TEST_F(ControllerConnectorTest, AWelcomeWithIdsThatNoHelloMayHaveIsRefused) {
  for (const std::string& bad : {std::string(65, 'f'), std::string("a\nb")}) {
    controller_.Then([bad](ServerStream* stream) {
      Next(stream);
      stream->Write(WelcomeOf(7, bad));
      v1::AgentMessage message;
      EXPECT_FALSE(stream->Read(&message)) << "the agent goes on";
      return grpc::Status::OK;
    });
  }
  controller_.Then([](ServerStream* stream) {
    const v1::Hello hello = Next(stream).hello();
    EXPECT_EQ(hello.fleet_id(), "");
    EXPECT_EQ(hello.largest_epoch(), 3U);
    return grpc::Status::OK;
  });
  connector_->Start();
  EXPECT_TRUE(controller_.AwaitEnd());
  EXPECT_THAT(events(), SizeIs(0));
}

TEST_F(ControllerConnectorTest, HelloSaysWhatTheLastSpecThatWasTakenCameWith) {
  controller_.Then([this](ServerStream* stream) {
    const v1::Hello hello = Next(stream).hello();
    EXPECT_EQ(hello.spec_epoch(), 2U);
    EXPECT_EQ(hello.spec_store_revision(), 70);
    connector_->NoteSpecTaken(4, 90);
    return grpc::Status::OK;
  });
  controller_.Then([](ServerStream* stream) {
    const v1::Hello hello = Next(stream).hello();
    EXPECT_EQ(hello.spec_epoch(), 4U);
    EXPECT_EQ(hello.spec_store_revision(), 90);
    return grpc::Status::OK;
  });
  connector_->Start();
  EXPECT_TRUE(controller_.AwaitEnd());
}

TEST_F(ControllerConnectorTest, WhatComesBeforeTheWelcomeIsNotHeard) {
  controller_.Then([](ServerStream* stream) {
    Next(stream);
    v1::ControllerMessage spec;
    spec.set_epoch(9);
    spec.mutable_spec()->set_digest("d2");
    stream->Write(spec);
    stream->Write(WelcomeOf(4));
    v1::ControllerMessage ping;
    ping.mutable_ping()->set_sequence(9);
    stream->Write(ping);
    EXPECT_EQ(NextOther(stream).pong().sequence(), 9U);
    return grpc::Status::OK;
  });
  connector_->Start();
  EXPECT_TRUE(controller_.AwaitEnd());
  EXPECT_THAT(events(), ElementsAre("welcome 4", "counted"));
}

TEST_F(ControllerConnectorTest, OfManyReportsTheLastArrives) {
  controller_.Then([this](ServerStream* stream) {
    Next(stream);
    stream->Write(WelcomeOf(4));
    for (int i = 0; i <= 1000; ++i) connector_->SendReport(Applied(absl::StrCat("d", i)));
    EXPECT_TRUE(ReadUntil(
        stream, [](const auto& message) { return message.report().digest() == "d1000"; }));
    return grpc::Status::OK;
  });
  connector_->Start();
  EXPECT_TRUE(controller_.AwaitEnd());
}

TEST_F(ControllerConnectorTest, TheSameReportIsNotSentTwice) {
  connector_->SendInventory(v1::Inventory());
  controller_.Then([this](ServerStream* stream) {
    WelcomeAndWait(stream);
    connector_->SendReport(Applied("d1"));
    EXPECT_TRUE(ReadUntil(stream, [](const auto& message) { return message.has_report(); }));
    connector_->SendReport(Applied("d1"));
    v1::SpecAck ack;
    ack.set_nonce("end");
    connector_->SendAck(ack);
    const auto rest = ReadUntil(stream, [](const auto& message) { return message.has_spec_ack(); });
    EXPECT_TRUE(rest && rest->size() == 1);
    return grpc::Status::OK;
  });
  connector_->Start();
  EXPECT_TRUE(controller_.AwaitEnd());
}

// Until another spec was taken: a controller that has started anew must hear of it, too.
TEST_F(ControllerConnectorTest, WhatWasGivenUpIsToldOnEveryStreamUntilItIsForgotten) {
  v1::NodeReport reverted;
  reverted.set_digest("d2");
  reverted.set_state(v1::APPLY_STATE_REVERTED);
  connector_->SendReport(Applied("d1"));
  connector_->SendRejection(reverted);
  for (int i = 0; i < 2; ++i) {
    controller_.Then([](ServerStream* stream) {
      EXPECT_EQ(Next(stream).hello().applied_digest(), "d1");
      stream->Write(WelcomeOf(4));
      EXPECT_EQ(NextOther(stream).report().digest(), "d1");
      EXPECT_EQ(NextOther(stream).report().state(), v1::APPLY_STATE_REVERTED);
      return grpc::Status::OK;
    });
  }
  controller_.Then([this](ServerStream* stream) {
    Next(stream);
    connector_->ForgetRejection();
    stream->Write(WelcomeOf(4));
    EXPECT_EQ(NextOther(stream).report().digest(), "d1");
    v1::SpecAck ack;
    ack.set_nonce("end");
    connector_->SendAck(ack);
    const auto rest = ReadUntil(stream, [](const auto& message) { return message.has_spec_ack(); });
    EXPECT_TRUE(rest && rest->size() == 1);
    return grpc::Status::OK;
  });
  connector_->Start();
  EXPECT_TRUE(controller_.AwaitEnd());
}

// Where no spec is in force after it, no other report takes its place.
TEST_F(ControllerConnectorTest, TheReportOfWhatWasGivenUpIsNotSentAgain) {
  v1::NodeReport reverted;
  reverted.set_digest("d1");
  reverted.set_state(v1::APPLY_STATE_REVERTED);
  connector_->SendReport(Applied("d1"));
  connector_->SendRejection(reverted);
  controller_.Then([](ServerStream* stream) {
    EXPECT_EQ(Next(stream).hello().applied_digest(), "");
    stream->Write(WelcomeOf(4));
    EXPECT_EQ(NextOther(stream).report().state(), v1::APPLY_STATE_REVERTED);
    return grpc::Status::OK;
  });
  connector_->Start();
  EXPECT_TRUE(controller_.AwaitEnd());
}

// Its window would be over before the back-off.
TEST_F(ControllerConnectorTest, WhoAwaitsAConfirmationComesBackAtOnce) {
  Make({.base = absl::Hours(24), .cap = absl::Hours(24)});
  v1::NodeReport report = Applied("d");
  report.set_awaits_confirmation(true);
  connector_->SendReport(report);
  for (int i = 0; i < 3; ++i) {
    controller_.Then([](ServerStream* stream) {
      Next(stream);
      return grpc::Status(grpc::StatusCode::UNAVAILABLE, "not now");
    });
  }
  connector_->Start();
  EXPECT_TRUE(controller_.AwaitEnd());
}

TEST_F(ControllerConnectorTest, StopsWhileAStreamIsOpen) {
  controller_.Then([this](ServerStream* stream) {
    Next(stream);
    stream->Write(WelcomeOf(4));
    connector_->Stop();
    v1::AgentMessage message;
    while (stream->Read(&message)) {
    }
    return grpc::Status::OK;
  });
  connector_->Start();
  EXPECT_TRUE(controller_.AwaitEnd());
}

TEST(ControllerConnectorStopTest, StopsWhileNobodyListens) {
  ControllerConnector::Options options;
  options.controller = "127.0.0.1:1";
  ControllerConnector connector(
      options, ControllerConnector::Sinks{
                   .welcome = [](const ControllerIdentity&) {},
                   .spec = [](const v1::Spec&, const ControllerIdentity&) {},
                   .confirmation = [](const std::string&, const ControllerIdentity&) {},
                   .operation = [](const v1::NodeOperation&, const ControllerIdentity&) {},
                   .metrics = [] { return v1::MetricsSnapshot(); }});
  connector.Start();
  connector.SendReport(v1::NodeReport());
  connector.Stop();
  connector.Stop();
}

}  // namespace
}  // namespace hotplugger::agent
