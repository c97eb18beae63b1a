#include "server/store/sqlite_store.h"
#include "server/store/timed_store.h"
#include "tests/contract/store_contract.h"
#include "tests/fakes/memory_store.h"
#include "tests/fakes/temp_dir.h"

namespace hotplugger::server {
namespace {

// A SQLite store in a directory of its own.
class SqliteInTempDir final : public Store {
 public:
  SqliteInTempDir() : store_(*SqliteStore::Open(directory_.Path("test.db"))) {}
  absl::StatusOr<int64_t> Revision() override { return store_->Revision(); }
  absl::StatusOr<std::optional<KeyValue>> Get(absl::string_view key) override {
    return store_->Get(key);
  }
  absl::StatusOr<std::vector<KeyValue>> Range(absl::string_view prefix,
                                              absl::string_view start_after,
                                              size_t limit) override {
    return store_->Range(prefix, start_after, limit);
  }
  absl::StatusOr<int64_t> Commit(const Transaction& transaction) override {
    return store_->Commit(transaction);
  }

 private:
  testing::TempDir directory_;
  std::unique_ptr<SqliteStore> store_;
};

// A measured store with all that it needs.
class TimedInMemory final : public Store {
 public:
  absl::StatusOr<int64_t> Revision() override { return store_.Revision(); }
  absl::StatusOr<std::optional<KeyValue>> Get(absl::string_view key) override {
    return store_.Get(key);
  }
  absl::StatusOr<std::vector<KeyValue>> Range(absl::string_view prefix,
                                              absl::string_view start_after,
                                              size_t limit) override {
    return store_.Range(prefix, start_after, limit);
  }
  absl::StatusOr<int64_t> Commit(const Transaction& transaction) override {
    return store_.Commit(transaction);
  }

 private:
  StoreTimings timings_;
  SteadyClock clock_;
  TimedStore store_{std::make_unique<testing::MemoryStore>(), &timings_, &clock_};
};

INSTANTIATE_TEST_SUITE_P(
    Stores, StoreContract,
    ::testing::Values(StoreFactory{"Memory",
                                   [] { return std::make_unique<testing::MemoryStore>(); }},
                      StoreFactory{"Sqlite", [] { return std::make_unique<SqliteInTempDir>(); }},
                      StoreFactory{"Timed", [] { return std::make_unique<TimedInMemory>(); }}),
    [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace hotplugger::server
