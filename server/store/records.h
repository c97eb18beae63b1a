// What the controller keeps, by type: policies/NAME, revisions/NAME/REVISION, holds/NODE/SUBJECT,
// nodes/NAME, answers/REQUEST-ID, audit/SEQUENCE, meta/identity. Numbers in keys have leading
// zeros, so that their order is that of the keys.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "hotplugger/v1/audit.pb.h"
#include "hotplugger/v1/controller_state.pb.h"
#include "hotplugger/v1/node.pb.h"
#include "hotplugger/v1/policy.pb.h"
#include "server/store/store.h"

namespace hotplugger::server {

// A message as it stands in the store.
template <typename Message>
struct Record {
  Message message;
  int64_t mod_revision = 0;
};

struct LoadedRecords {
  std::vector<Record<v1::Policy>> policies;
  // Of each policy its latest ones, the current one included; the oldest first.
  std::vector<Record<v1::Policy>> revisions;
  std::vector<Record<v1::Hold>> holds;
  // Name, labels and the address of metrics alone: heartbeats and reports are never stored.
  std::vector<Record<v1::Node>> nodes;
};

// Changes to be committed together.
class RecordBatch {
 public:
  // `expected`: the record's mod_revision; nullopt: it must be absent.
  void PutPolicy(const v1::Policy& policy, std::optional<int64_t> expected);
  void DeletePolicy(const v1::Policy& policy, int64_t expected);
  // Revisions, answers and audit entries are written once and never changed.
  void PutRevision(const v1::Policy& policy);
  void DeleteRevision(const std::string& policy, int64_t revision);
  void PutAnswer(const v1::AnsweredRequest& answer);
  void DeleteAnswer(const std::string& id);
  void PutAuditEntry(const v1::AuditEntry& entry);
  void DeleteAuditEntry(int64_t sequence);
  void PutHold(const v1::Hold& hold, std::optional<int64_t> expected);
  void DeleteHold(const v1::Hold& hold, int64_t expected);
  // Stores the name, the labels and the address of metrics of `node` and nothing else of it.
  void PutNode(const v1::Node& node, std::optional<int64_t> expected);
  void DeleteNode(const v1::Node& node, int64_t expected);

  bool empty() const { return transaction_.puts.empty() && transaction_.deletes.empty(); }
  const Transaction& transaction() const { return transaction_; }

 private:
  void Put(std::string key, const google::protobuf::Message& message,
           std::optional<int64_t> expected);
  void Delete(std::string key, int64_t expected);
  void PutAnew(std::string key, const google::protobuf::Message& message);

  Transaction transaction_;
};

// Safe for concurrent use; blocks as the store does.
class Records {
 public:
  explicit Records(Store* store) : store_(store) {}

  // Everything, each kind in the order of its keys. DATA_LOSS (reason BAD_RECORD) names a record
  // that can't be read.
  absl::StatusOr<LoadedRecords> Load();

  // Every answer without its response; and one with it, nothing where there is none.
  absl::StatusOr<std::vector<v1::AnsweredRequest>> LoadAnswers();
  absl::StatusOr<std::optional<v1::AnsweredRequest>> GetAnswer(const std::string& id);

  // At most `limit` audit entries after `after`, the oldest first.
  absl::StatusOr<std::vector<v1::AuditEntry>> ReadAudit(int64_t after, size_t limit);

  // The new mod_revision of what was put.
  absl::StatusOr<int64_t> Commit(const RecordBatch& batch);

  // The store's, of the last commit.
  absl::StatusOr<int64_t> Revision() { return store_->Revision(); }

  // Which fleet the store is of; empty, with mod_revision 0, where it is new.
  absl::StatusOr<Record<v1::StoreIdentity>> GetIdentity();
  // Durable when it returns ok. ABORTED where another controller has put one since `expected`.
  absl::Status PutIdentity(const v1::StoreIdentity& identity, int64_t expected);

 private:
  template <typename Message>
  absl::Status LoadKind(absl::string_view prefix, std::vector<Record<Message>>* records);

  Store* const store_;
};

}  // namespace hotplugger::server
