#include "agent/link/controller_connector.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/clock.h"
#include "common/error_info.h"
#include "common/log.h"
#include "common/transport/channel_settings.h"
#include "google/protobuf/util/message_differencer.h"

namespace hotplugger::agent {

using google::protobuf::util::MessageDifferencer;

namespace {

// However long a refusal asks to wait: a mistake there must not silence the fleet.
constexpr absl::Duration kLongestRetryDelay = absl::Minutes(5);
constexpr absl::Duration kBackoffWhileAwaiting = absl::Milliseconds(500);

}  // namespace

ControllerConnector::ControllerConnector(Options options, Sinks sinks)
    : options_(std::move(options)),
      sinks_(std::move(sinks)),
      backoff_(options_.backoff),
      obeyed_{options_.hello.largest_epoch(), options_.hello.fleet_id(), options_.hello.epoch_id()},
      spec_epoch_(options_.hello.spec_epoch()),
      spec_store_revision_(options_.hello.spec_store_revision()),
      metrics_address_(options_.hello.metrics_address()) {
  stub_ = v1::LinkService::NewStub(grpc::CreateCustomChannel(
      options_.controller, grpc::InsecureChannelCredentials(), ClientChannelArguments()));
}

ControllerConnector::~ControllerConnector() { Stop(); }

void ControllerConnector::SetMetricsAddress(const std::string& address) {
  MutexLock lock(&mutex_);
  metrics_address_ = address;
}

bool ControllerConnector::connected() {
  MutexLock lock(&mutex_);
  return stream_ != nullptr && welcomed_ && refusal_.ok() && !ended_;
}

void ControllerConnector::Start() {
  thread_ = std::thread([this] { Run(); });
}

void ControllerConnector::Stop() {
  {
    MutexLock lock(&mutex_);
    stopped_ = true;
    if (stream_ != nullptr) stream_->Close();
    changed_.NotifyAll();
  }
  if (thread_.joinable()) thread_.join();
}

void ControllerConnector::Run() {
  for (;;) {
    const absl::Status status = RunStream();
    NoteEnd(status);
    // Jitter on top of what the controller asks for, or all that were refused come back at once.
    const absl::Duration asked =
        std::clamp(ErrorRetryDelay(status), absl::ZeroDuration(), kLongestRetryDelay);
    if (!Pause(asked + NextBackoff())) return;
  }
}

// A node that must reach a controller soon, or undo what it was told to do, has no time to be
// polite: its window may be as short as 5 s.
absl::Duration ControllerConnector::NextBackoff() {
  const absl::Duration backoff = backoff_.Next();
  MutexLock lock(&mutex_);
  const bool awaits = report_ && report_->awaits_confirmation();
  return awaits ? std::min(backoff, kBackoffWhileAwaiting) : backoff;
}

absl::Status ControllerConnector::RunStream() {
  const auto note_end = [this](const absl::Status& status,
                               std::shared_ptr<ControllerStream> stream) {
    MutexLock lock(&mutex_);
    ended_ = status;
    ended_stream_ = std::move(stream);
    changed_.NotifyAll();
  };
  const auto note_message = [this](const v1::ControllerMessage& message) { OnMessage(message); };
  MutexLock lock(&mutex_);
  ended_.reset();
  welcomed_ = false;
  refusal_ = absl::OkStatus();
  welcome_time_ = absl::InfiniteFuture();
  stream_ = std::make_shared<ControllerStream>(
      *stub_, ControllerStream::Callbacks{.message = note_message, .done = note_end});
  stream_->Start(MakeHello());
  if (stopped_) stream_->Close();
  // The stream's own end is certain: keep-alive finds a dead peer, Stop closes a live one.
  while (!ended_) changed_.WaitUntil(&mutex_, absl::InfiniteFuture());
  stream_.reset();
  ended_stream_.reset();
  return refusal_.ok() ? *ended_ : refusal_;
}

v1::AgentMessage ControllerConnector::MakeHello() {
  v1::AgentMessage message;
  *message.mutable_hello() = options_.hello;
  message.mutable_hello()->set_largest_epoch(obeyed_.epoch);
  message.mutable_hello()->set_fleet_id(obeyed_.fleet_id);
  message.mutable_hello()->set_epoch_id(obeyed_.epoch_id);
  message.mutable_hello()->set_spec_epoch(spec_epoch_);
  message.mutable_hello()->set_spec_store_revision(spec_store_revision_);
  message.mutable_hello()->set_applied_digest(applied_digest_);
  message.mutable_hello()->set_metrics_address(metrics_address_);
  return message;
}

void ControllerConnector::OnMessage(const v1::ControllerMessage& message) {
  ControllerIdentity from;
  {
    MutexLock lock(&mutex_);
    // Before its welcome nobody knows whose messages they are.
    if (!message.has_welcome() && !welcomed_) return;
    from = obeyed_;
  }
  from.epoch = message.epoch();
  switch (message.message_case()) {
    case v1::ControllerMessage::kWelcome:
      if (TakeWelcome(message)) Welcome();
      return;
    case v1::ControllerMessage::kSpec:
      sinks_.spec(message.spec(), from);
      return;
    case v1::ControllerMessage::kSpecConfirmation:
      sinks_.confirmation(message.spec_confirmation().digest(), from);
      return;
    case v1::ControllerMessage::kOperation:
      sinks_.operation(message.operation(), from);
      return;
    case v1::ControllerMessage::kPing:
      return AnswerPing(message.ping());
    case v1::ControllerMessage::MESSAGE_NOT_SET:
      // From a newer controller: what we don't know we can't be meant to act on.
      return;
  }
}

void ControllerConnector::AnswerPing(const v1::Ping& ping) {
  v1::AgentMessage pong;
  pong.mutable_pong()->set_sequence(ping.sequence());
  v1::AgentMessage metrics;
  if (ping.wants_metrics()) *metrics.mutable_metrics() = sinks_.metrics();
  MutexLock lock(&mutex_);
  SendLocked(AgentSlot::kPong, std::move(pong));
  if (ping.wants_metrics()) SendLocked(AgentSlot::kMetrics, std::move(metrics));
}

bool ControllerConnector::TakeWelcome(const v1::ControllerMessage& message) {
  const ControllerIdentity from = {message.epoch(), message.welcome().fleet_id(),
                                   message.welcome().epoch_id()};
  {
    MutexLock lock(&mutex_);
    refusal_ = CheckIds(from);
    if (refusal_.ok()) refusal_ = CheckObeys(obeyed_, from);
    if (!refusal_.ok()) {
      if (stream_ != nullptr) stream_->Close();
      return false;
    }
    obeyed_ = from;
  }
  sinks_.welcome(from);
  return true;
}

void ControllerConnector::Welcome() {
  Log(LogLevel::kInfo, "connected", {{"controller", options_.controller}});
  v1::AgentMessage counted;
  *counted.mutable_metrics() = sinks_.metrics();
  MutexLock lock(&mutex_);
  last_failure_.clear();
  welcomed_ = true;
  welcome_time_ = SteadyNow();
  // Before this stream's spec and operations are acted on: what is counted from here on the
  // controller counts as its own time's.
  SendLocked(AgentSlot::kMetrics, std::move(counted));
  v1::AgentMessage message;
  if (inventory_) {
    *message.mutable_inventory() = *inventory_;
    SendLocked(AgentSlot::kInventory, message);
  }
  if (report_) {
    *message.mutable_report() = *report_;
    SendLocked(AgentSlot::kReport, message);
  }
  if (rejection_) {
    *message.mutable_report() = *rejection_;
    SendLocked(AgentSlot::kRejection, std::move(message));
  }
}

void ControllerConnector::SendLocked(AgentSlot slot, v1::AgentMessage message) {
  if (stream_ != nullptr && welcomed_) stream_->Send(slot, std::move(message));
}

void ControllerConnector::SendAck(const v1::SpecAck& ack) {
  v1::AgentMessage message;
  *message.mutable_spec_ack() = ack;
  MutexLock lock(&mutex_);
  SendLocked(AgentSlot::kSpecAck, std::move(message));
}

void ControllerConnector::SendOperationResult(const v1::NodeOperationResult& result) {
  v1::AgentMessage message;
  *message.mutable_operation_result() = result;
  MutexLock lock(&mutex_);
  SendLocked(AgentSlot::kOperationResult, std::move(message));
}

void ControllerConnector::SendReport(const v1::NodeReport& report) {
  v1::AgentMessage message;
  *message.mutable_report() = report;
  MutexLock lock(&mutex_);
  if (report_ && MessageDifferencer::Equals(*report_, report)) return;
  report_ = report;
  if (report.state() == v1::APPLY_STATE_APPLIED) {
    applied_digest_ = report.digest();
  } else if (report.state() == v1::APPLY_STATE_FAILED || report.digest() != applied_digest_) {
    applied_digest_.clear();
  }
  SendLocked(AgentSlot::kReport, std::move(message));
}

// Sent as often as asked: each is the answer to a push.
void ControllerConnector::SendRejection(const v1::NodeReport& report) {
  v1::AgentMessage message;
  *message.mutable_report() = report;
  MutexLock lock(&mutex_);
  rejection_ = report;
  // Where no spec is in force now no report takes the place of the last one, which is true no more.
  if (report_ && report_->digest() == report.digest()) report_.reset();
  if (report.digest() == applied_digest_) applied_digest_.clear();
  SendLocked(AgentSlot::kRejection, std::move(message));
}

void ControllerConnector::ForgetRejection() {
  MutexLock lock(&mutex_);
  rejection_.reset();
}

void ControllerConnector::SendInventory(const v1::Inventory& inventory) {
  v1::AgentMessage message;
  *message.mutable_inventory() = inventory;
  MutexLock lock(&mutex_);
  if (inventory_ && MessageDifferencer::Equals(*inventory_, inventory)) return;
  inventory_ = inventory;
  SendLocked(AgentSlot::kInventory, std::move(message));
}

void ControllerConnector::NoteSpecTaken(uint64_t epoch, int64_t store_revision) {
  MutexLock lock(&mutex_);
  spec_epoch_ = epoch;
  spec_store_revision_ = store_revision;
}

bool ControllerConnector::Pause(absl::Duration duration) {
  const absl::Time until = SteadyNow() + duration;
  MutexLock lock(&mutex_);
  while (!stopped_ && SteadyNow() < until) changed_.WaitUntil(&mutex_, until);
  return !stopped_;
}

// A failure is logged when it is new, not at every try.
void ControllerConnector::NoteEnd(const absl::Status& status) {
  MutexLock lock(&mutex_);
  // Counted from the welcome: an attempt that hangs is no sign of health.
  if (SteadyNow() - welcome_time_ > options_.healthy_after) backoff_.Reset();
  if (stopped_) return;
  const std::string failure = status.ToString();
  if (failure == last_failure_) return;
  last_failure_ = failure;
  Log(LogLevel::kWarning, "no connection to the controller",
      {{"controller", options_.controller},
       {"reason", ErrorReason(status)},
       {"cause", std::string(status.message())}});
}

}  // namespace hotplugger::agent
