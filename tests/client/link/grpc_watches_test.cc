// Watches over a real unix socket, how they end, and peers that accept and never answer.
#include <gmock/gmock.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <condition_variable>
#include <cstring>
#include <mutex>

#include "client/link/grpc_connector.h"
#include "client/output.h"
#include "common/error_info.h"
#include "common/scoped_fd.h"
#include "common/transport/grpc_status.h"
#include "hotplugger/v1/audit_service.grpc.pb.h"
#include "hotplugger/v1/event_service.grpc.pb.h"
#include "hotplugger/v1/watch_service.grpc.pb.h"
#include "tests/fakes/temp_dir.h"

namespace hotplugger::client {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Writes so many answers; then ends with `end`, or waits to be cancelled where it has none.
struct Script {
  int answers = 0;
  std::optional<grpc::Status> end;

  template <typename Response, typename Fill>
  grpc::Status Play(grpc::ServerContext* context, grpc::ServerWriter<Response>* writer,
                    const Fill& fill) {
    for (int i = 1; i <= answers; ++i) {
      Response answer;
      fill(i, &answer);
      writer->Write(answer);
    }
    if (end) return *end;
    std::unique_lock lock(mutex);
    while (!context->IsCancelled()) cancelled.wait_for(lock, std::chrono::milliseconds(5));
    return grpc::Status::CANCELLED;
  }

  std::mutex mutex;
  std::condition_variable cancelled;
};

class FakeWatchService final : public v1::WatchService::Service {
 public:
  grpc::Status WatchFleet(grpc::ServerContext* context, const v1::WatchFleetRequest* request,
                          grpc::ServerWriter<v1::WatchFleetResponse>* writer) override {
    token = request->resume_token();
    return script.Play(context, writer, [](int i, v1::WatchFleetResponse* answer) {
      answer->mutable_node()->set_name(std::to_string(i));
    });
  }
  Script script;
  std::string token;
};

class FakeAuditService final : public v1::AuditService::Service {
 public:
  grpc::Status WatchAuditEntries(
      grpc::ServerContext* context, const v1::WatchAuditEntriesRequest* request,
      grpc::ServerWriter<v1::WatchAuditEntriesResponse>* writer) override {
    return script.Play(context, writer, [&](int i, v1::WatchAuditEntriesResponse* answer) {
      answer->mutable_entry()->set_sequence(request->after_sequence() + i);
    });
  }
  Script script;
};

class FakeEventService final : public v1::EventService::Service {
 public:
  grpc::Status ListEvents(grpc::ServerContext* /*context*/, const v1::ListEventsRequest* request,
                          v1::ListEventsResponse* response) override {
    if (!list_end.ok()) return list_end;
    response->add_events()->set_type(request->filter().type());
    return grpc::Status::OK;
  }
  grpc::Status WatchEvents(grpc::ServerContext* context, const v1::WatchEventsRequest* request,
                           grpc::ServerWriter<v1::WatchEventsResponse>* writer) override {
    return script.Play(context, writer, [&](int i, v1::WatchEventsResponse* answer) {
      answer->set_resume_token(request->resume_token() + std::to_string(i));
    });
  }
  grpc::Status list_end;
  Script script;
};

class GrpcWatchesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    grpc::ServerBuilder builder;
    builder.AddListeningPort(address_, grpc::InsecureServerCredentials());
    builder.RegisterService(&fleet_);
    builder.RegisterService(&audit_);
    builder.RegisterService(&events_);
    server_ = builder.BuildAndStart();
    ASSERT_NE(server_, nullptr);
    client_ = Connect(absl::Seconds(60));
  }
  void TearDown() override { server_->Shutdown(); }

  std::unique_ptr<FleetClient> Connect(absl::Duration timeout) {
    auto client = MakeGrpcConnector()->ConnectFleet({address_, false, timeout});
    EXPECT_TRUE(client.ok()) << client.status();
    return client.ok() ? *std::move(client) : nullptr;
  }

  // Keeps the names that come; ends it by itself after `wanted` of them.
  absl::Status Watch(FleetClient& client, size_t wanted, const FleetClient::WatchEnd& end = {}) {
    v1::WatchFleetRequest request;
    request.set_resume_token("t");
    return client.WatchFleet(
        request,
        [&](const v1::WatchFleetResponse& answer) {
          names_.push_back(answer.node().name());
          return names_.size() < wanted;
        },
        end);
  }

  const hotplugger::testing::TempDir folder_;
  const std::string address_ = "unix:" + folder_.Path("controller.sock");
  FakeWatchService fleet_;
  FakeAuditService audit_;
  FakeEventService events_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<FleetClient> client_;
  std::vector<std::string> names_;
};

TEST_F(GrpcWatchesTest, EndsWhereTheCallerHasEnough) {
  fleet_.script.answers = 3;
  const absl::Status status = Watch(*client_, 2);
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_THAT(names_, ElementsAre("1", "2"));
  EXPECT_EQ(fleet_.token, "t");
}

TEST_F(GrpcWatchesTest, EndsWhereItHasGoneOnForSoLong) {
  fleet_.script.answers = 1;
  FleetClient::WatchEnd end;
  end.longest = absl::Milliseconds(100);
  const absl::Status status = Watch(*client_, 100, end);
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_THAT(names_, ElementsAre("1"));
}

TEST_F(GrpcWatchesTest, EndsWhereItIsStopped) {
  std::stop_source source;
  source.request_stop();
  FleetClient::WatchEnd end;
  end.stop = source.get_token();
  EXPECT_EQ(ErrorReason(Watch(*client_, 100, end)), "INTERRUPTED");
}

TEST_F(GrpcWatchesTest, EachEndOfTheControllersIsToldApart) {
  fleet_.script.answers = 1;
  fleet_.script.end = grpc::Status::OK;
  EXPECT_EQ(ErrorReason(Watch(*client_, 100)), "WATCH_ENDED");
  fleet_.script.end = grpc::Status(grpc::StatusCode::UNAVAILABLE, "Socket closed");
  EXPECT_EQ(ErrorReason(Watch(*client_, 100)), "CONNECTION_LOST");
  fleet_.script.end =
      ToGrpcStatus(MakeError(absl::StatusCode::kUnavailable, "SHUTTING_DOWN", "bye"));
  EXPECT_EQ(ErrorReason(Watch(*client_, 100)), "SHUTTING_DOWN");
}

TEST_F(GrpcWatchesTest, OneOfTheFleetIsAnsweredAtOnceOrNotAtAll) {
  const auto client = Connect(absl::Milliseconds(50));
  const absl::Status status = Watch(*client, 100);
  EXPECT_EQ(ErrorReason(status), "NO_ANSWER");
  EXPECT_EQ(ExitCodeFor(status), ExitCode::kUnreachable);
  // Once it has begun, nothing may happen for long.
  fleet_.script.answers = 1;
  FleetClient::WatchEnd end;
  end.longest = absl::Milliseconds(200);
  EXPECT_TRUE(Watch(*client, 100, end).ok());
}

TEST_F(GrpcWatchesTest, TheOthersReachTheirOwnMethods) {
  audit_.script.answers = 2;
  v1::WatchAuditEntriesRequest audit;
  audit.set_after_sequence(7);
  std::vector<int64_t> sequences;
  EXPECT_TRUE(client_
                  ->WatchAuditEntries(audit,
                                      [&](const v1::WatchAuditEntriesResponse& answer) {
                                        sequences.push_back(answer.entry().sequence());
                                        return sequences.size() < 2;
                                      },
                                      {})
                  .ok());
  EXPECT_THAT(sequences, ElementsAre(8, 9));
  events_.script.answers = 1;
  v1::WatchEventsRequest events;
  events.set_resume_token("x");
  std::string token;
  EXPECT_TRUE(client_
                  ->WatchEvents(events,
                                [&](const v1::WatchEventsResponse& answer) {
                                  token = answer.resume_token();
                                  return false;
                                },
                                {})
                  .ok());
  EXPECT_EQ(token, "x1");
  v1::ListEventsRequest list;
  list.mutable_filter()->set_type("NodeConnected");
  const auto listed = client_->ListEvents(list);
  ASSERT_TRUE(listed.ok()) << listed.status();
  EXPECT_EQ(listed->events(0).type(), "NodeConnected");
}

TEST_F(GrpcWatchesTest, ACallThatWasSentIsNoneThatNobodyGot) {
  events_.list_end = grpc::Status(grpc::StatusCode::UNAVAILABLE, "Socket closed");
  EXPECT_EQ(ErrorReason(client_->ListEvents({}).status()), "CONNECTION_LOST");
}

TEST_F(GrpcWatchesTest, AControllerThatComesLaterIsFound) {
  server_->Shutdown();
  server_.reset();
  const auto client = Connect(absl::Seconds(60));
  EXPECT_EQ(ErrorReason(client->ListEvents({}).status()), "UNREACHABLE");
  grpc::ServerBuilder builder;
  builder.AddListeningPort(address_, grpc::InsecureServerCredentials());
  builder.RegisterService(&events_);
  server_ = builder.BuildAndStart();
  ASSERT_NE(server_, nullptr);
  const auto found = client->ListEvents({});
  EXPECT_TRUE(found.ok()) << "at once, not when some back-off is over: " << found.status();
}

TEST_F(GrpcWatchesTest, ALimitHoldsForTheCallsAfterIt) {
  client_->LimitCalls(absl::Milliseconds(50));
  const absl::Status status = Watch(*client_, 100);
  EXPECT_THAT(std::string(status.message()), HasSubstr("did not answer within 50ms"));
}

// Its connections are taken by the kernel, and nobody ever reads.
class MutePeerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path_.c_str(), sizeof address.sun_path - 1);
    const auto* const generic = static_cast<const sockaddr*>(static_cast<const void*>(&address));
    ASSERT_EQ(bind(socket_.get(), generic, sizeof address), 0);
    ASSERT_EQ(listen(socket_.get(), 8), 0);
  }

  const hotplugger::testing::TempDir folder_;
  const std::string path_ = folder_.Path("mute.sock");
  const ScopedFd socket_{socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
};

TEST_F(MutePeerTest, IsUnreachableAndSaysWhatWasTriedAndHowLong) {
  const auto fleet =
      MakeGrpcConnector()->ConnectFleet({"unix:" + path_, false, absl::Milliseconds(100)});
  ASSERT_TRUE(fleet.ok()) << fleet.status();
  const absl::Status nodes = (*fleet)->ListNodes({}).status();
  EXPECT_EQ(ExitCodeFor(nodes), ExitCode::kUnreachable) << nodes;
  EXPECT_EQ(ErrorReason(nodes), "UNREACHABLE") << "nobody has got the call: " << nodes;
  EXPECT_THAT(std::string(nodes.message()),
              AllOf(HasSubstr("can't reach the controller at unix:" + path_),
                    HasSubstr("it took no call within 100ms")));
  const absl::Status asked = (*fleet)->OperateNodes({}, [](const v1::OperateNodesResponse&) {}, {});
  EXPECT_EQ(ErrorReason(asked), "UNREACHABLE") << asked;
  EXPECT_THAT(std::string(asked.message()), HasSubstr("it took no call within 100ms"));
  const absl::Status watch =
      (*fleet)->WatchEvents({}, [](const v1::WatchEventsResponse&) { return true; }, {});
  EXPECT_EQ(ExitCodeFor(watch), ExitCode::kUnreachable) << watch;
  const auto host = MakeGrpcConnector()->ConnectHost({path_, absl::Milliseconds(100)});
  ASSERT_TRUE(host.ok()) << host.status();
  const absl::Status devices = (*host)->ListDevices({}).status();
  EXPECT_EQ(ExitCodeFor(devices), ExitCode::kUnreachable) << devices;
  EXPECT_THAT(std::string(devices.message()), HasSubstr("called the agent at unix:" + path_));
}

}  // namespace
}  // namespace hotplugger::client
