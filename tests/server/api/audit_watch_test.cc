// Watches of the audit log over a socket: a thread reads the store, and another one tells of news.
#include "server/api/audit_watch.h"

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "common/error_info.h"
#include "common/transport/grpc_status.h"
#include "hotplugger/v1/audit_service.grpc.pb.h"
#include "server/api/audit_service.h"
#include "server/audit/audit_log.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fakes/memory_store.h"
#include "tests/fakes/proto_text.h"

namespace hotplugger::server {
namespace {

class AuditWatchTest : public ::testing::Test {
 protected:
  AuditWatchTest() {
    int port = 0;
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
    stub_ = v1::AuditService::NewStub(
        grpc::CreateChannel(absl::StrCat("127.0.0.1:", port), grpc::InsecureChannelCredentials()));
  }
  ~AuditWatchTest() override {
    service_.CloseAll(absl::UnavailableError("bye"));
    server_->Shutdown();
    server_->Wait();
  }

  // One watch; ends within 30 s.
  class Watcher {
   public:
    Watcher(v1::AuditService::Stub* stub, const std::string& request) {
      context_.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
      stream_ = stub->WatchAuditEntries(&context_,
                                        testing::FromText<v1::WatchAuditEntriesRequest>(request));
      // It has begun, or is over.
      stream_->WaitForInitialMetadata();
    }
    ~Watcher() {
      context_.TryCancel();
      if (!finished_) stream_->Finish();
    }

    // The next entry's resource; "end" at the end.
    std::string Read() {
      v1::WatchAuditEntriesResponse response;
      if (!stream_->Read(&response)) return "end";
      missed_ = response.missed();
      return response.entry().resource();
    }
    // As the last answer says.
    int64_t missed() const { return missed_; }
    absl::Status Finish() {
      finished_ = true;
      return FromGrpcStatus(stream_->Finish());
    }

   private:
    grpc::ClientContext context_;
    std::unique_ptr<grpc::ClientReader<v1::WatchAuditEntriesResponse>> stream_;
    bool finished_ = false;
    int64_t missed_ = 0;
  };

  std::unique_ptr<Watcher> Watch(const std::string& request = "") {
    return std::make_unique<Watcher>(stub_.get(), request);
  }

  void Append(const std::string& resource, int code = 0) {
    v1::AuditEntry entry;
    entry.set_resource(resource);
    if (code != 0) entry.mutable_status()->set_code(code);
    ASSERT_TRUE(log_.Append(std::move(entry)).ok());
  }

  FakeClock clock_;
  testing::MemoryStore store_;
  Records records_{&store_};
  AuditFeed feed_{&records_};
  AuditLog log_{&records_, &clock_, {.refusals = {1, 1'000'000}}, &feed_};
  // Nothing is listed.
  AuditService service_{nullptr, &feed_};
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<v1::AuditService::Stub> stub_;
};

TEST_F(AuditWatchTest, TellsWhatIsWrittenFromNowOn) {
  Append("old");
  const auto watcher = Watch();
  Append("a");
  EXPECT_EQ(watcher->Read(), "a");
  Append("b");
  EXPECT_EQ(watcher->Read(), "b");
}

TEST_F(AuditWatchTest, CatchesUpFirst) {
  for (int i = 1; i <= 600; ++i) Append(absl::StrCat(i));
  const auto watcher = Watch("after_sequence: 10");
  for (int i = 11; i <= 600; ++i) ASSERT_EQ(watcher->Read(), absl::StrCat(i));
  Append("new");
  EXPECT_EQ(watcher->Read(), "new");
}

TEST_F(AuditWatchTest, From0ItTellsAllThatIsKept) {
  Append("a");
  Append("b");
  const auto watcher = Watch("after_sequence: 0");
  EXPECT_EQ(watcher->Read(), "a");
  EXPECT_EQ(watcher->Read(), "b");
}

TEST_F(AuditWatchTest, CountsWhatIsNoLongerKept) {
  for (int i = 0; i < 300; ++i) Append("refused", 3);
  Append("a");
  const auto all = Watch("after_sequence: 100");
  EXPECT_EQ(all->Read(), "refused");
  EXPECT_EQ(all->missed(), 199);
  EXPECT_EQ(all->Read(), "a");
  EXPECT_EQ(all->missed(), 0) << "told once";
  for (int i = 0; i < 300; ++i) Append("other");
  Append("b");
  const auto some = Watch(R"(after_sequence: 100 filter {resource: "b"})");
  EXPECT_EQ(some->Read(), "b");
  EXPECT_EQ(some->missed(), 199) << "with the next one, though it be of a later page";
}

TEST_F(AuditWatchTest, OfAStoreThatWasPutBackItTellsWhatIsNew) {
  Append("a");
  const auto watcher = Watch("after_sequence: 500");
  Append("b");
  EXPECT_EQ(watcher->Read(), "b");
}

TEST_F(AuditWatchTest, Filters) {
  for (int i = 0; i < 500; ++i) Append("a");
  const auto watcher = Watch("after_sequence: 1 filter {failed_only: true}");
  Append("a");
  Append("b", 3);
  EXPECT_EQ(watcher->Read(), "b");
}

TEST_F(AuditWatchTest, WhatIsWrongIsNamed) {
  const auto field = [this](const std::string& request) {
    return ErrorFieldViolations(Watch(request)->Finish())[0].field;
  };
  EXPECT_EQ(field("after_sequence: -1"), "after_sequence");
  EXPECT_EQ(field("filter {since_time {seconds: -1}}"), "filter.since_time");
}

TEST_F(AuditWatchTest, AnEntryThatCanNotBeReadEndsIt) {
  Append("a");
  Transaction broken;
  broken.puts.push_back({"audit/00000000000000000002", "\xff"});
  ASSERT_TRUE(store_.Commit(broken).ok());
  feed_.Written(2);
  const auto watcher = Watch("after_sequence: 1");
  EXPECT_EQ(watcher->Read(), "end");
  EXPECT_EQ(ErrorReason(watcher->Finish()), "BAD_RECORD");
}

TEST_F(AuditWatchTest, AreBoundedAndEndWithTheController) {
  std::vector<std::unique_ptr<Watcher>> open;
  for (size_t i = 0; i < Watches::kMax; ++i) open.push_back(Watch());
  EXPECT_EQ(ErrorReason(Watch()->Finish()), "TOO_MANY_WATCHES");
  service_.CloseAll(MakeError(absl::StatusCode::kUnavailable, "SHUTTING_DOWN", "bye"));
  for (const auto& watcher : open) {
    EXPECT_EQ(watcher->Read(), "end");
    EXPECT_EQ(ErrorReason(watcher->Finish()), "SHUTTING_DOWN");
  }
  EXPECT_EQ(ErrorReason(Watch()->Finish()), "SHUTTING_DOWN");
}

}  // namespace
}  // namespace hotplugger::server
