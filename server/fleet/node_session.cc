#include "server/fleet/node_session.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/cpu_list.h"
#include "common/digest.h"
#include "common/error_info.h"
#include "common/listen_address.h"
#include "common/log.h"
#include "common/names.h"
#include "common/number_ranges.h"
#include "common/proto_time.h"
#include "common/rpc_status.h"
#include "common/status_macros.h"

namespace hotplugger::server {
namespace {

constexpr size_t kMaxBootIdLength = 64;
constexpr size_t kMaxVersionLength = 128;
constexpr size_t kMaxIdLength = 64;
constexpr int kMaxConditions = 16;
// The largest inventory or report that is kept, in bytes.
constexpr size_t kMaxRecordBytes = 256 * 1024;
constexpr size_t kMaxNackBytes = 64 * 1024;

bool IsPrintable(absl::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return absl::ascii_isprint(static_cast<unsigned char>(c)); });
}

// Empty, or fit for a command line that people are told to type.
bool IsId(absl::string_view text) {
  return text.size() <= kMaxIdLength && std::all_of(text.begin(), text.end(), [](unsigned char c) {
           return absl::ascii_isalnum(c) || c == '-';
         });
}

std::vector<FieldViolation> ValidateHello(const v1::Hello& hello) {
  std::vector<FieldViolation> violations;
  const auto check = [&violations](const std::string& field, const absl::Status& status) {
    if (!status.ok()) violations.push_back({field, std::string(status.message())});
  };
  check("hello.node", ValidateNodeName(hello.node()));
  if (hello.boot_id().empty() || hello.boot_id().size() > kMaxBootIdLength ||
      !IsPrintable(hello.boot_id())) {
    violations.push_back({"hello.boot_id", absl::StrCat("is not 1 to ", kMaxBootIdLength,
                                                        " printable bytes, as the kernel gives "
                                                        "in /proc/sys/kernel/random/boot_id")});
  }
  if (hello.labels().size() > kMaxNodeLabels) {
    violations.push_back(
        {"hello.labels", absl::StrCat("has ", hello.labels().size(), " entries; at most ",
                                      kMaxNodeLabels, " are allowed")});
  }
  for (const auto& [key, value] : Labels(hello.labels().begin(), hello.labels().end())) {
    check("hello.labels", ValidateLabelKey(key));
    check(absl::StrCat("hello.labels[", key, "]"), ValidateLabelValue(value));
  }
  if (!hello.applied_digest().empty() && !IsSha256Hex(hello.applied_digest())) {
    violations.push_back({"hello.applied_digest", "is neither empty nor 64 lower-case hex digits"});
  }
  if (hello.agent_version().size() > kMaxVersionLength || !IsPrintable(hello.agent_version())) {
    violations.push_back({"hello.agent_version",
                          absl::StrCat("is not at most ", kMaxVersionLength, " printable bytes")});
  }
  for (const auto& [field, id] : {std::pair("hello.fleet_id", &hello.fleet_id()),
                                  std::pair("hello.epoch_id", &hello.epoch_id()),
                                  std::pair("hello.instance_id", &hello.instance_id())}) {
    if (IsId(*id)) continue;
    violations.push_back(
        {field, absl::StrCat("is not at most ", kMaxIdLength, " of a-z, A-Z, 0-9 and '-'")});
  }
  if (!hello.metrics_address().empty()) {
    check("hello.metrics_address", CheckReachedAddress(hello.metrics_address()));
  }
  return violations;
}

// What is wrong with an inventory, or "".
std::string InventoryProblem(const v1::Inventory& inventory) {
  if (inventory.ByteSizeLong() > kMaxRecordBytes) return "it is too large";
  if (inventory.conditions_size() > kMaxConditions) return "it has too many conditions";
  for (const std::string* mask : {&inventory.cpus_present(), &inventory.cpus_online()}) {
    const auto cpus = ParseCpuList(*mask);
    if (!cpus.ok()) return std::string(cpus.status().message());
  }
  for (const std::string* list :
       {&inventory.memory().blocks_present(), &inventory.memory().blocks_online(),
        &inventory.memory().blocks_movable()}) {
    const auto blocks = NumberRanges::Parse(*list, kMemoryBlockListRules);
    if (!blocks.ok()) return std::string(blocks.status().message());
  }
  return "";
}

std::string ReportProblem(const v1::NodeReport& report) {
  if (report.ByteSizeLong() > kMaxRecordBytes) return "it is too large";
  if (!IsSha256Hex(report.digest())) return "its digest is not 64 lower-case hex digits";
  if (!v1::ApplyState_IsValid(report.state()) || report.state() == v1::APPLY_STATE_UNSPECIFIED) {
    return absl::StrCat("its state is ", report.state());
  }
  if (report.drift_count() < 0) return "its drift count is negative";
  for (const v1::DriftCount& count : report.drift_counts()) {
    if (count.count() < 0) return "a drift count of it is negative";
  }
  return "";
}

void LogIgnored(absl::string_view what, const std::string& node, const std::string& problem) {
  Log(LogLevel::kWarning, absl::StrCat("ignored ", what), {{"node", node}, {"problem", problem}});
}

}  // namespace

absl::Status NodeSession::OnOpened(const std::shared_ptr<NodeLink>& link) {
  return registry_->Admit(link);
}

absl::Status NodeSession::OnMessage(const v1::AgentMessage& message,
                                    const std::shared_ptr<NodeLink>& link) {
  using Kind = v1::AgentMessage::MessageCase;
  if (message.message_case() == Kind::kHello) return OnHello(message.hello(), link);
  if (!key_) {
    return MakeError(absl::StatusCode::kInvalidArgument, "HELLO_EXPECTED",
                     "the first message of a stream must be Hello; this peer is no agent of a "
                     "version that the controller knows");
  }
  switch (message.message_case()) {
    case Kind::kInventory:
      OnInventory(message.inventory());
      break;
    case Kind::kSpecAck:
      OnSpecAck(message.spec_ack());
      break;
    case Kind::kReport:
      OnReport(message.report());
      break;
    case Kind::kMetrics:
      OnMetrics(message.metrics());
      break;
    case Kind::kOperationResult:
      OnOperationResult(message.operation_result());
      break;
    default:
      // Pong, and what a newer agent says beyond this version: signs of life.
      registry_->RecordContact(*key_);
      break;
  }
  return absl::OkStatus();
}

absl::Status NodeSession::OnHello(const v1::Hello& hello, const std::shared_ptr<NodeLink>& link) {
  if (key_) {
    return MakeError(absl::StatusCode::kInvalidArgument, "HELLO_REPEATED",
                     absl::StrCat("node ", key_->node,
                                  " said Hello twice on one stream; open a new stream instead"),
                     {{"node", key_->node}});
  }
  RETURN_IF_ERROR(MakeFieldErrors(ValidateHello(hello)));
  const absl::Status obeys = options_.identity->CheckObeyed(hello);
  if (!obeys.ok()) {
    if (registry_->NoteTurnedAway(hello, obeys)) {
      Log(LogLevel::kError, "a node that obeys another controller is turned away",
          {{"node", hello.node()},
           {"reason", ErrorReason(obeys)},
           {"cause", std::string(obeys.message())}});
    }
    return obeys;
  }
  ASSIGN_OR_RETURN(NodeRegistry::Attached attached, registry_->Attach(hello, link));
  key_ = attached.key;
  instance_id_ = hello.instance_id();
  if (attached.displaced != nullptr) {
    attached.displaced->Close(
        MakeError(absl::StatusCode::kAborted, "SESSION_SUPERSEDED",
                  absl::StrCat("node ", hello.node(), " has opened a newer stream"),
                  {{"node", hello.node()}}));
  }
  Log(LogLevel::kInfo, "node connected",
      {{"node", hello.node()}, {"boot_id", hello.boot_id()}, {"agent", hello.agent_version()}});
  v1::ControllerMessage message;
  message.set_epoch(options_.identity->epoch());
  v1::Welcome& welcome = *message.mutable_welcome();
  // By the name that it knows the fleet by: one that was taken over has several.
  welcome.set_fleet_id(hello.fleet_id().empty() ? options_.identity->fleet_id() : hello.fleet_id());
  welcome.set_epoch_id(options_.identity->epoch_id());
  SetDuration(options_.ping_interval, welcome.mutable_ping_interval());
  link->Send(message);
  registry_->MarkWelcomed(*key_);
  operations_->StreamReady(*key_);
  events_->NodeConnected(*key_);
  return absl::OkStatus();
}

void NodeSession::OnInventory(const v1::Inventory& inventory) {
  const std::string problem = InventoryProblem(inventory);
  if (problem.empty()) {
    registry_->RecordInventory(*key_, inventory);
  } else {
    LogIgnored("inventory", key_->node, problem);
    registry_->RecordContact(*key_);
  }
}

void NodeSession::OnSpecAck(const v1::SpecAck& ack) {
  if (ack.ByteSizeLong() <= kMaxNackBytes) return RecordAck(ack);
  v1::SpecAck cut = ack;
  cut.clear_errors();
  cut.add_errors("refused, with more errors than are kept; see the agent's log");
  RecordAck(cut);
}

void NodeSession::RecordAck(const v1::SpecAck& ack) {
  if (!registry_->RecordAck(*key_, ack)) return;
  counters_->spec_nacks.Add(ack.reason(), key_->node);
  Log(LogLevel::kWarning, "spec refused by node",
      {{"node", key_->node}, {"digest", ack.digest()}, {"error", ack.errors(0)}});
}

void NodeSession::OnReport(const v1::NodeReport& report) {
  const std::string problem = ReportProblem(report);
  if (!problem.empty()) {
    LogIgnored("report", key_->node, problem);
    registry_->RecordContact(*key_);
    return;
  }
  const RecordedReport recorded = registry_->RecordReport(*key_, report);
  if (recorded.given_up) NoteGivenUp(report);
  if (recorded.other_target) events_->PushNeeded();
  // At once, and not in turn with requests: the node undoes its spec while it waits.
  if (recorded.confirm == nullptr) return;
  v1::ControllerMessage message;
  message.set_epoch(options_.identity->epoch());
  message.mutable_spec_confirmation()->set_digest(report.digest());
  recorded.confirm->Send(message);
}

void NodeSession::NoteGivenUp(const v1::NodeReport& report) {
  const bool reverted = report.state() == v1::APPLY_STATE_REVERTED;
  (reverted ? counters_->spec_reverts : counters_->spec_quarantines)
      .fetch_add(1, std::memory_order_relaxed);
  Log(LogLevel::kWarning, reverted ? "spec reverted by node" : "spec quarantined by node",
      {{"node", key_->node}, {"digest", report.digest()}, {"cause", report.message()}});
}

void NodeSession::OnMetrics(const v1::MetricsSnapshot& snapshot) {
  if (!registry_->RecordContact(*key_)) return;
  const std::string problem = totals_->Add(key_->node, instance_id_, snapshot);
  if (!problem.empty()) LogIgnored("metrics", key_->node, problem);
  // The stream may have ended meanwhile, and the node been deleted.
  if (!registry_->Knows(key_->node)) totals_->Forget(key_->node);
}

void NodeSession::OnOperationResult(const v1::NodeOperationResult& result) {
  registry_->RecordContact(*key_);
  const std::string& digest = result.result().retry_spec().digest();
  if (!digest.empty() && registry_->ForgetRejection(*key_, digest)) events_->PushNeeded();
  if (result.ByteSizeLong() <= kMaxRecordBytes) return operations_->Answered(*key_, result);
  v1::NodeOperationResult cut;
  cut.set_id(result.id());
  *cut.mutable_result()->mutable_error() = ToRpcStatus(
      MakeError(absl::StatusCode::kResourceExhausted, "ANSWER_TOO_LARGE",
                absl::StrCat("node ", key_->node, " answered with ", result.ByteSizeLong(),
                             " bytes; at most ", kMaxRecordBytes,
                             " are taken. What it was asked was done or refused there, and the "
                             "account of it is lost; ask on the host itself (hotplugctl --host)"),
                {{"node", key_->node}}));
  operations_->Answered(*key_, cut);
}

void NodeSession::OnClosed(const NodeLink* link) {
  registry_->Forget(link);
  if (!key_) return;
  registry_->Detach(*key_);
  operations_->StreamEnded(*key_);
  Log(LogLevel::kInfo, "stream of node ended", {{"node", key_->node}});
  key_.reset();
}

}  // namespace hotplugger::server
