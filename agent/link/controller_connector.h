// Keeps one stream to the controller alive, and is the ControllerLink over whichever is there.
#pragma once

#include <grpcpp/grpcpp.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "absl/status/status.h"
#include "agent/link/controller_stream.h"
#include "agent/reconcile/controller_identity.h"
#include "agent/reconcile/controller_link.h"
#include "common/backoff.h"
#include "common/mutex.h"

namespace hotplugger::agent {

// Has one thread, which connects and waits between tries. Public methods are safe for concurrent
// use.
class ControllerConnector final : public ControllerLink {
 public:
  struct Options {
    // "HOST:PORT".
    std::string controller;
    // All but the applied digest; the saved largest_epoch, fleet_id, epoch_id, spec_epoch and
    // spec_store_revision are where it begins.
    v1::Hello hello;
    Backoff::Options backoff;
    // A stream that lives this long has been healthy, and the back-off begins anew.
    absl::Duration healthy_after = absl::Seconds(10);
  };
  // What comes from the controller, and from which one. Quick; outlive this.
  struct Sinks {
    // Before anything else of a stream.
    std::function<void(const ControllerIdentity& from)> welcome;
    std::function<void(v1::Spec spec, const ControllerIdentity& from)> spec;
    std::function<void(const std::string& digest, const ControllerIdentity& from)> confirmation;
    std::function<void(const v1::NodeOperation& operation, const ControllerIdentity& from)>
        operation;
    // What the agent has counted so far; asked for with each welcome, and where a ping asks for it.
    std::function<v1::MetricsSnapshot()> metrics;
  };

  ControllerConnector(Options options, Sinks sinks);
  ~ControllerConnector() override;

  // Which each later Hello tells.
  void SetMetricsAddress(const std::string& address);

  void Start();
  void Stop();

  // Whether there is a stream to a controller that has welcomed this agent and is obeyed.
  bool connected();

  void SendAck(const v1::SpecAck& ack) override;
  void SendOperationResult(const v1::NodeOperationResult& result) override;
  void SendReport(const v1::NodeReport& report) override;
  void SendRejection(const v1::NodeReport& report) override;
  void ForgetRejection() override;
  void SendInventory(const v1::Inventory& inventory) override;
  void NoteSpecTaken(uint64_t epoch, int64_t store_revision) override;

 private:
  void Run();
  absl::Duration NextBackoff();
  // One stream from beginning to end; why it ended.
  absl::Status RunStream();
  void OnMessage(const v1::ControllerMessage& message);
  // False, and the stream is closed, where the controller is not one to obey.
  bool TakeWelcome(const v1::ControllerMessage& message);
  void Welcome();
  void AnswerPing(const v1::Ping& ping);
  v1::AgentMessage MakeHello() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void SendLocked(AgentSlot slot, v1::AgentMessage message) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Waits for `duration` or Stop; false when stopped.
  bool Pause(absl::Duration duration);
  void NoteEnd(const absl::Status& status);

  const Options options_;
  const Sinks sinks_;
  std::unique_ptr<v1::LinkService::Stub> stub_;
  std::thread thread_;
  // Of the thread alone.
  Backoff backoff_;

  Mutex mutex_;
  CondVar changed_;
  // Null between streams. Its own lock is a leaf below this one.
  std::shared_ptr<ControllerStream> stream_ ABSL_GUARDED_BY(mutex_);
  // Whether the controller has taken us on this stream; before that only Hello is sent.
  bool welcomed_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Time welcome_time_ ABSL_GUARDED_BY(mutex_) = absl::InfiniteFuture();
  // What the host is as it should be by; empty while it is not.
  std::string applied_digest_ ABSL_GUARDED_BY(mutex_);
  std::optional<absl::Status> ended_ ABSL_GUARDED_BY(mutex_);
  // Given back by gRPC, to be destroyed on this connector's thread.
  std::shared_ptr<ControllerStream> ended_stream_ ABSL_GUARDED_BY(mutex_);
  // The one that has welcomed this agent last, over all streams.
  ControllerIdentity obeyed_ ABSL_GUARDED_BY(mutex_);
  // What the last spec that was taken came with.
  uint64_t spec_epoch_ ABSL_GUARDED_BY(mutex_);
  int64_t spec_store_revision_ ABSL_GUARDED_BY(mutex_);
  // Why this agent itself has ended the stream.
  absl::Status refusal_ ABSL_GUARDED_BY(mutex_);
  std::optional<v1::NodeReport> report_ ABSL_GUARDED_BY(mutex_);
  std::optional<v1::NodeReport> rejection_ ABSL_GUARDED_BY(mutex_);
  std::optional<v1::Inventory> inventory_ ABSL_GUARDED_BY(mutex_);
  std::string metrics_address_ ABSL_GUARDED_BY(mutex_);
  std::string last_failure_ ABSL_GUARDED_BY(mutex_);
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace hotplugger::agent
