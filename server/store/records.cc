#include "server/store/records.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/error_info.h"
#include "common/status_macros.h"

namespace hotplugger::server {
namespace {

constexpr char kPolicies[] = "policies/";
constexpr char kRevisions[] = "revisions/";
constexpr char kAnswers[] = "answers/";
constexpr char kAudit[] = "audit/";
constexpr char kHolds[] = "holds/";
constexpr char kNodes[] = "nodes/";
constexpr char kIdentity[] = "meta/identity";
// Keys read from the store at a time.
constexpr size_t kPage = 1000;

std::string HoldKey(const v1::Hold& hold) {
  return absl::StrCat(kHolds, hold.node(), "/", hold.subject());
}

std::string RevisionKey(const std::string& policy, int64_t revision) {
  return absl::StrFormat("%s%s/%020d", kRevisions, policy, revision);
}

std::string AuditKey(int64_t sequence) { return absl::StrFormat("%s%020d", kAudit, sequence); }

absl::Status BadRecord(absl::string_view key) {
  return MakeError(
      absl::StatusCode::kDataLoss, "BAD_RECORD",
      absl::StrCat("the store's record ", key, " can't be read; restore the store from a backup"),
      {{"key", std::string(key)}});
}

}  // namespace

void RecordBatch::Put(std::string key, const google::protobuf::Message& message,
                      std::optional<int64_t> expected) {
  transaction_.compares.push_back({key, expected});
  transaction_.puts.push_back({std::move(key), message.SerializeAsString()});
}

void RecordBatch::Delete(std::string key, int64_t expected) {
  transaction_.compares.push_back({key, expected});
  transaction_.deletes.push_back(std::move(key));
}

void RecordBatch::PutAnew(std::string key, const google::protobuf::Message& message) {
  transaction_.puts.push_back({std::move(key), message.SerializeAsString()});
}

void RecordBatch::PutRevision(const v1::Policy& policy) {
  PutAnew(RevisionKey(policy.name(), policy.revision()), policy);
}

void RecordBatch::DeleteRevision(const std::string& policy, int64_t revision) {
  transaction_.deletes.push_back(RevisionKey(policy, revision));
}

void RecordBatch::PutAnswer(const v1::AnsweredRequest& answer) {
  PutAnew(absl::StrCat(kAnswers, answer.id()), answer);
}

void RecordBatch::DeleteAnswer(const std::string& id) {
  transaction_.deletes.push_back(absl::StrCat(kAnswers, id));
}

void RecordBatch::PutAuditEntry(const v1::AuditEntry& entry) {
  PutAnew(AuditKey(entry.sequence()), entry);
}

void RecordBatch::DeleteAuditEntry(int64_t sequence) {
  transaction_.deletes.push_back(AuditKey(sequence));
}

void RecordBatch::PutPolicy(const v1::Policy& policy, std::optional<int64_t> expected) {
  Put(absl::StrCat(kPolicies, policy.name()), policy, expected);
}

void RecordBatch::DeletePolicy(const v1::Policy& policy, int64_t expected) {
  Delete(absl::StrCat(kPolicies, policy.name()), expected);
}

void RecordBatch::PutHold(const v1::Hold& hold, std::optional<int64_t> expected) {
  Put(HoldKey(hold), hold, expected);
}

void RecordBatch::DeleteHold(const v1::Hold& hold, int64_t expected) {
  Delete(HoldKey(hold), expected);
}

void RecordBatch::PutNode(const v1::Node& node, std::optional<int64_t> expected) {
  v1::Node stored;
  stored.set_name(node.name());
  *stored.mutable_labels() = node.labels();
  stored.set_metrics_address(node.metrics_address());
  Put(absl::StrCat(kNodes, node.name()), stored, expected);
}

void RecordBatch::DeleteNode(const v1::Node& node, int64_t expected) {
  Delete(absl::StrCat(kNodes, node.name()), expected);
}

template <typename Message>
absl::Status Records::LoadKind(absl::string_view prefix, std::vector<Record<Message>>* records) {
  std::string last;
  for (;;) {
    ASSIGN_OR_RETURN(const std::vector<KeyValue> page, store_->Range(prefix, last, kPage));
    for (const KeyValue& item : page) {
      Record<Message> record;
      record.mod_revision = item.mod_revision;
      if (!record.message.ParseFromString(item.value)) return BadRecord(item.key);
      records->push_back(std::move(record));
    }
    if (page.size() < kPage) return absl::OkStatus();
    last = page.back().key;
  }
}

absl::StatusOr<LoadedRecords> Records::Load() {
  LoadedRecords loaded;
  RETURN_IF_ERROR(LoadKind(kPolicies, &loaded.policies));
  RETURN_IF_ERROR(LoadKind(kRevisions, &loaded.revisions));
  RETURN_IF_ERROR(LoadKind(kHolds, &loaded.holds));
  RETURN_IF_ERROR(LoadKind(kNodes, &loaded.nodes));
  return loaded;
}

absl::StatusOr<std::vector<v1::AnsweredRequest>> Records::LoadAnswers() {
  std::vector<v1::AnsweredRequest> answers;
  std::string last;
  for (;;) {
    ASSIGN_OR_RETURN(const std::vector<KeyValue> page, store_->Range(kAnswers, last, kPage));
    for (const KeyValue& item : page) {
      v1::AnsweredRequest& answer = answers.emplace_back();
      if (!answer.ParseFromString(item.value)) return BadRecord(item.key);
      answer.clear_response();
    }
    if (page.size() < kPage) return answers;
    last = page.back().key;
  }
}

absl::StatusOr<std::optional<v1::AnsweredRequest>> Records::GetAnswer(const std::string& id) {
  const std::string key = absl::StrCat(kAnswers, id);
  ASSIGN_OR_RETURN(const std::optional<KeyValue> stored, store_->Get(key));
  if (!stored) return std::nullopt;
  v1::AnsweredRequest answer;
  if (!answer.ParseFromString(stored->value)) return BadRecord(key);
  return answer;
}

absl::StatusOr<std::vector<v1::AuditEntry>> Records::ReadAudit(int64_t after, size_t limit) {
  ASSIGN_OR_RETURN(const std::vector<KeyValue> page, store_->Range(kAudit, AuditKey(after), limit));
  std::vector<v1::AuditEntry> entries;
  for (const KeyValue& item : page) {
    if (!entries.emplace_back().ParseFromString(item.value)) return BadRecord(item.key);
  }
  return entries;
}

absl::StatusOr<int64_t> Records::Commit(const RecordBatch& batch) {
  return store_->Commit(batch.transaction());
}

absl::StatusOr<Record<v1::StoreIdentity>> Records::GetIdentity() {
  ASSIGN_OR_RETURN(const std::optional<KeyValue> stored, store_->Get(kIdentity));
  Record<v1::StoreIdentity> record;
  if (!stored) return record;
  if (!record.message.ParseFromString(stored->value) || record.message.starts().empty()) {
    return BadRecord(kIdentity);
  }
  record.mod_revision = stored->mod_revision;
  return record;
}

absl::Status Records::PutIdentity(const v1::StoreIdentity& identity, int64_t expected) {
  Transaction transaction;
  transaction.compares.push_back(
      {kIdentity, expected == 0 ? std::nullopt : std::optional<int64_t>(expected)});
  transaction.puts.push_back({kIdentity, identity.SerializeAsString()});
  return store_->Commit(transaction).status();
}

}  // namespace hotplugger::server
