// Calls of a server of gRPC's callback interface, counted. Each wait ends within 30 s.
#include "server/api/call_interceptor.h"

#include <gmock/gmock.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "common/clock.h"
#include "common/error_info.h"
#include "hotplugger/v1/fleet_service.grpc.pb.h"
#include "hotplugger/v1/link_service.grpc.pb.h"
#include "server/api/grpc_server.h"

namespace hotplugger::server {
namespace {

// Knows the node "n1"; "never" is answered when the call is cancelled.
class FakeFleetService final : public v1::FleetService::CallbackService {
 public:
  grpc::ServerUnaryReactor* GetNode(grpc::CallbackServerContext* context,
                                    const v1::GetNodeRequest* request,
                                    v1::GetNodeResponse* response) override {
    if (request->name() == "never") return new Hanging(&hanging_);
    grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
    response->mutable_node()->set_name(request->name());
    reactor->Finish(request->name() == "n1"
                        ? grpc::Status::OK
                        : grpc::Status(grpc::StatusCode::NOT_FOUND, "there is none"));
    return reactor;
  }

  // So many calls wait for their end.
  int hanging() const { return hanging_; }

 private:
  class Hanging final : public grpc::ServerUnaryReactor {
   public:
    explicit Hanging(std::atomic<int>* count) : count_(count) { ++*count_; }
    void OnCancel() noexcept override {
      Finish(grpc::Status(grpc::StatusCode::ABORTED, "it is cancelled"));
    }
    void OnDone() noexcept override {
      --*count_;
      delete this;
    }

   private:
    std::atomic<int>* const count_;
  };

  std::atomic<int> hanging_{0};
};

// Says welcome, and ends when the agent does.
class FakeLinkService final : public v1::LinkService::CallbackService {
 public:
  grpc::ServerBidiReactor<v1::AgentMessage, v1::ControllerMessage>* Connect(
      grpc::CallbackServerContext* /*context*/) override {
    return new Stream;
  }

 private:
  class Stream final : public grpc::ServerBidiReactor<v1::AgentMessage, v1::ControllerMessage> {
   public:
    Stream() {
      message_.mutable_welcome();
      StartWrite(&message_);
      StartRead(&incoming_);
    }
    void OnReadDone(bool ok) noexcept override {
      if (ok) return StartRead(&incoming_);
      Finish(grpc::Status(grpc::StatusCode::UNAVAILABLE, "the agent has ended it"));
    }
    void OnDone() noexcept override { delete this; }

   private:
    v1::ControllerMessage message_;
    v1::AgentMessage incoming_;
  };
};

class CallInterceptorTest : public ::testing::Test {
 protected:
  CallInterceptorTest() {
    grpc::EnableDefaultHealthCheckService(true);
    grpc::reflection::InitProtoReflectionServerBuilderPlugin();
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(&fleet_);
    builder.RegisterService(&link_);
    std::vector<std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>> creators;
    creators.push_back(MakeCallInterceptors(&counters_));
    builder.experimental().SetInterceptorCreators(std::move(creators));
    server_ = builder.BuildAndStart();
    channel_ =
        grpc::CreateChannel(absl::StrCat("127.0.0.1:", port), grpc::InsecureChannelCredentials());
  }
  ~CallInterceptorTest() override { Stop(); }

  void Stop() { server_->Shutdown(absl::ToChronoTime(absl::Now())); }

  static void SetDeadline(grpc::ClientContext* context) {
    context->set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
  }

  grpc::StatusCode GetNode(const std::string& name) {
    grpc::ClientContext context;
    SetDeadline(&context);
    v1::GetNodeRequest request;
    request.set_name(name);
    v1::GetNodeResponse response;
    return v1::FleetService::NewStub(channel_)->GetNode(&context, request, &response).error_code();
  }

  // Sends `bytes` as the one message of a call, reads at most one answer, and waits for the end.
  grpc::StatusCode CallRaw(const std::string& path, const std::string& bytes) {
    grpc::ClientContext context;
    SetDeadline(&context);
    grpc::CompletionQueue queue;
    const auto wait = [&queue] {
      void* tag = nullptr;
      bool ok = false;
      return queue.Next(&tag, &ok) && ok;
    };
    const auto call = grpc::GenericStub(channel_).PrepareCall(&context, path, &queue);
    call->StartCall(nullptr);
    if (wait()) {
      grpc::Slice slice(bytes);
      call->WriteLast(grpc::ByteBuffer(&slice, 1), grpc::WriteOptions(), nullptr);
      wait();
      grpc::ByteBuffer answer;
      call->Read(&answer, nullptr);
      wait();
    }
    grpc::Status status;
    call->Finish(&status, nullptr);
    wait();
    queue.Shutdown();
    return status.error_code();
  }

  CallCounters::Series Of(const std::string& service, const std::string& method) {
    for (CallCounters::Series& series : counters_.Counts()) {
      if (series.method.service == service && series.method.method == method) return series;
    }
    ADD_FAILURE() << "there is no " << service << "/" << method;
    return {};
  }

  // "TYPE STARTED CODE=COUNT …".
  std::string Text(const std::string& service, const std::string& method) {
    const CallCounters::Series series = Of(service, method);
    return absl::StrCat(series.method.type, " ", series.started, " ",
                        absl::StrJoin(series.handled, " ", absl::PairFormatter("=")));
  }

  // Waits until that is so, for what ends behind the client's back.
  void ExpectSoon(const std::string& service, const std::string& method, const std::string& text) {
    const absl::Time deadline = SteadyNow() + absl::Seconds(30);
    while (Text(service, method) != text && SteadyNow() < deadline) std::this_thread::yield();
    EXPECT_EQ(Text(service, method), text);
  }

  void WaitForHanging(int count) {
    const absl::Time deadline = SteadyNow() + absl::Seconds(30);
    while (fleet_.hanging() != count && SteadyNow() < deadline) std::this_thread::yield();
    EXPECT_EQ(fleet_.hanging(), count);
  }

  static constexpr char kFleet[] = "hotplugger.v1.FleetService";
  static constexpr char kLink[] = "hotplugger.v1.LinkService";
  CallCounters counters_{*ServedMethods()};
  FakeFleetService fleet_;
  FakeLinkService link_;
  std::unique_ptr<grpc::Server> server_;
  std::shared_ptr<grpc::Channel> channel_;
};

TEST_F(CallInterceptorTest, WhoHasAnAnswerFindsItCounted) {
  EXPECT_EQ(GetNode("n1"), grpc::StatusCode::OK);
  EXPECT_EQ(Text(kFleet, "GetNode"), "unary 1 OK=1");
  EXPECT_EQ(GetNode("n2"), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(Text(kFleet, "GetNode"), "unary 2 NotFound=1 OK=1");
  const std::vector<int64_t> buckets = Of(kFleet, "GetNode").durations->buckets;
  EXPECT_EQ(std::accumulate(buckets.begin(), buckets.end(), int64_t{0}), 2);
}

TEST_F(CallInterceptorTest, AMethodThatIsKnownAndNotImplementedIsCountedAsItself) {
  grpc::ClientContext context;
  SetDeadline(&context);
  v1::ListNodesResponse response;
  const grpc::Status status =
      v1::FleetService::NewStub(channel_)->ListNodes(&context, v1::ListNodesRequest(), &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNIMPLEMENTED);
  ExpectSoon(kFleet, "ListNodes", "unary 1 Unimplemented=1");
}

TEST_F(CallInterceptorTest, MethodsThatNobodyServesAreOneSeries) {
  for (const char* path : {"/hotplugger.v1.FleetService/Melt", "/a.b.C/GetNode", "/x"}) {
    EXPECT_EQ(CallRaw(path, ""), grpc::StatusCode::UNIMPLEMENTED) << path;
  }
  ExpectSoon("unknown", "unknown", "unknown 3 Unimplemented=3");
  EXPECT_EQ(counters_.Counts().size(), ServedMethods()->size() + 1);
}

TEST_F(CallInterceptorTest, ARequestThatIsNoMessageIsCounted) {
  const grpc::StatusCode code = CallRaw("/hotplugger.v1.FleetService/GetNode", "\xff\xff\xff");
  EXPECT_NE(code, grpc::StatusCode::OK);
  ExpectSoon(kFleet, "GetNode", absl::StrCat("unary 1 ", CallCodeWord(code), "=1"));
}

TEST_F(CallInterceptorTest, HealthAndReflectionAreCounted) {
  EXPECT_EQ(CallRaw("/grpc.health.v1.Health/Check", ""), grpc::StatusCode::OK);
  ExpectSoon("grpc.health.v1.Health", "Check", "unary 1 OK=1");
  // An empty HealthCheckRequest of a service that is not there.
  EXPECT_EQ(CallRaw("/grpc.health.v1.Health/Check", std::string("\x0a\x01x", 3)),
            grpc::StatusCode::NOT_FOUND);
  ExpectSoon("grpc.health.v1.Health", "Check", "unary 2 NotFound=1 OK=1");
  EXPECT_EQ(CallRaw("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
                    std::string("\x3a\x01*", 3)),
            grpc::StatusCode::OK);
  ExpectSoon("grpc.reflection.v1alpha.ServerReflection", "ServerReflectionInfo",
             "bidi_stream 1 OK=1");
}

TEST_F(CallInterceptorTest, AStreamIsCountedAtItsBeginningAndItsEnd) {
  grpc::ClientContext context;
  SetDeadline(&context);
  const auto stream = v1::LinkService::NewStub(channel_)->Connect(&context);
  v1::ControllerMessage message;
  ASSERT_TRUE(stream->Read(&message));
  EXPECT_EQ(Text(kLink, "Connect"), "bidi_stream 1 ");
  ASSERT_TRUE(stream->Write(v1::AgentMessage()));
  ASSERT_TRUE(stream->WritesDone());
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(Text(kLink, "Connect"), "bidi_stream 1 Unavailable=1");
}

TEST_F(CallInterceptorTest, WhatTheClientCancelsIsCounted) {
  grpc::ClientContext context;
  SetDeadline(&context);
  const auto stream = v1::LinkService::NewStub(channel_)->Connect(&context);
  v1::ControllerMessage message;
  ASSERT_TRUE(stream->Read(&message));
  context.TryCancel();
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::CANCELLED);
  ExpectSoon(kLink, "Connect", "bidi_stream 1 Unavailable=1");

  grpc::ClientContext hanging;
  SetDeadline(&hanging);
  std::thread caller([this, &hanging] {
    v1::GetNodeRequest request;
    request.set_name("never");
    v1::GetNodeResponse response;
    EXPECT_EQ(
        v1::FleetService::NewStub(channel_)->GetNode(&hanging, request, &response).error_code(),
        grpc::StatusCode::CANCELLED);
  });
  WaitForHanging(1);
  hanging.TryCancel();
  caller.join();
  ExpectSoon(kFleet, "GetNode", "unary 1 Aborted=1");
  WaitForHanging(0);
}

TEST_F(CallInterceptorTest, CallsThatTheServerEndsAreCounted) {
  std::thread caller([this] { EXPECT_NE(GetNode("never"), grpc::StatusCode::OK); });
  WaitForHanging(1);
  Stop();
  caller.join();
  ExpectSoon(kFleet, "GetNode", "unary 1 Aborted=1");
}

TEST_F(CallInterceptorTest, ManyCallsAtOnceAreAllCounted) {
  constexpr int kThreads = 8;
  constexpr int kCalls = 50;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([this] {
      for (int call = 0; call < kCalls; ++call) GetNode(call % 2 == 0 ? "n1" : "n2");
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(Text(kFleet, "GetNode"), "unary 400 NotFound=200 OK=200");
}

TEST(ServedMethodsTest, HasEveryMethodOfEveryServiceWithItsType) {
  const auto served = ServedMethods();
  ASSERT_TRUE(served.ok()) << served.status();
  std::vector<std::string> methods;
  for (const CallCounters::Method& method : *served) {
    methods.push_back(absl::StrCat(method.type, " ", method.service, "/", method.method));
  }
  for (const char* method :
       {"unary hotplugger.v1.FleetService/GetNode", "server_stream grpc.health.v1.Health/Watch",
        "server_stream hotplugger.v1.FleetService/OperateNodes",
        "bidi_stream hotplugger.v1.LinkService/Connect",
        "server_stream hotplugger.v1.WatchService/WatchFleet",
        "unary hotplugger.v1.PolicyService/ApplyPolicy",
        "server_stream hotplugger.v1.PlanService/PlanChange",
        "unary hotplugger.v1.ExplainService/ExplainSubject",
        "unary hotplugger.v1.AuditService/ListAuditEntries",
        "unary hotplugger.v1.EventService/ListEvents"}) {
    EXPECT_THAT(methods, ::testing::Contains(method));
  }
}

TEST(ServedMethodsTest, AServiceWithoutADescriptionIsAnError) {
  const char* const services[] = {"hotplugger.v1.FleetService", "hotplugger.v1.LostService"};
  const auto methods = MethodsOf(services);
  EXPECT_EQ(methods.status().code(), absl::StatusCode::kInternal);
  EXPECT_EQ(ErrorReason(methods.status()), "SERVICE_NOT_DESCRIBED");
  EXPECT_THAT(std::string(methods.status().message()), ::testing::HasSubstr("LostService"));
  EXPECT_TRUE(MethodsOf(absl::MakeConstSpan(services, 1)).ok());
}

}  // namespace
}  // namespace hotplugger::server
