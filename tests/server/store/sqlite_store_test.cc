#include "server/store/sqlite_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "common/error_info.h"
#include "tests/fakes/temp_dir.h"

namespace hotplugger::server {
namespace {

using ::testing::HasSubstr;

class SqliteStoreTest : public ::testing::Test {
 protected:
  // The reason why the file can't be opened; "" where it can.
  std::string OpenReason() {
    const auto store = SqliteStore::Open(path_);
    message_ = std::string(store.status().message());
    return ErrorReason(store.status());
  }

  // Makes a SQLite file with any content.
  void MakeFile(const char* sql) {
    sqlite3* handle = nullptr;
    ASSERT_EQ(sqlite3_open(path_.c_str(), &handle), SQLITE_OK);
    ASSERT_EQ(sqlite3_exec(handle, sql, nullptr, nullptr, nullptr), SQLITE_OK);
    sqlite3_close(handle);
  }

  testing::TempDir directory_;
  const std::string path_ = directory_.Path("store.db");
  std::string message_;
};

TEST_F(SqliteStoreTest, KeepsDataAndRevisionsWhenOpenedAgain) {
  int64_t revision = 0;
  {
    auto store = SqliteStore::Open(path_);
    ASSERT_TRUE(store.ok()) << store.status();
    revision = *(*store)->Commit({{}, {{"a", "1"}}, {}});
  }
  auto store = SqliteStore::Open(path_);
  ASSERT_TRUE(store.ok()) << store.status();
  EXPECT_EQ((**(*store)->Get("a")).mod_revision, revision);
  EXPECT_GT(*(*store)->Commit({{}, {{"b", "1"}}, {}}), revision);
}

TEST_F(SqliteStoreTest, UsesAWriteAheadLogThatIsSynced) {
  auto store = SqliteStore::Open(path_);
  ASSERT_TRUE(store.ok()) << store.status();
  ASSERT_TRUE((*store)->Commit({{}, {{"a", "1"}}, {}}).ok());
  EXPECT_EQ(access((path_ + "-wal").c_str(), F_OK), 0);
}

TEST_F(SqliteStoreTest, TellsTheSizeOfItsFiles) {
  auto store = SqliteStore::Open(path_);
  ASSERT_TRUE(store.ok()) << store.status();
  ASSERT_TRUE((*store)->Commit({{}, {{"a", "1"}}, {}}).ok());
  const int64_t before = (*store)->SizeBytes();
  EXPECT_GT(before, 0);
  // It is in the log before it is in the database.
  ASSERT_TRUE((*store)->Commit({{}, {{"b", std::string(200'000, 'x')}}, {}}).ok());
  EXPECT_GE((*store)->SizeBytes(), before + 200'000);
  store->reset();
  auto again = SqliteStore::Open(path_);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_GE((*again)->SizeBytes(), 200'000);
}

TEST_F(SqliteStoreTest, ASecondOpenerIsRefused) {
  auto store = SqliteStore::Open(path_);
  ASSERT_TRUE(store.ok()) << store.status();
  EXPECT_EQ(OpenReason(), "STORE_LOCKED");
  EXPECT_THAT(message_, HasSubstr("another controller"));
  EXPECT_TRUE((*store)->Commit({{}, {{"a", "1"}}, {}}).ok());
}

TEST_F(SqliteStoreTest, AFileThatIsNoDatabaseIsLeftAlone) {
  const std::string content(5000, 'x');
  directory_.Write("store.db", content);
  EXPECT_EQ(OpenReason(), "STORE_FOREIGN");
  EXPECT_EQ(directory_.Read("store.db"), content);
}

TEST_F(SqliteStoreTest, AnotherProgramsDatabaseIsLeftAlone) {
  MakeFile("CREATE TABLE songs (title TEXT)");
  const std::string content = directory_.Read("store.db");
  EXPECT_EQ(OpenReason(), "STORE_FOREIGN");
  EXPECT_THAT(message_, HasSubstr("another program"));
  EXPECT_EQ(directory_.Read("store.db"), content);
}

TEST_F(SqliteStoreTest, ANewerSchemaIsLeftAlone) {
  MakeFile("PRAGMA application_id = 1213221959; PRAGMA user_version = 2; CREATE TABLE x (y)");
  const std::string content = directory_.Read("store.db");
  EXPECT_EQ(OpenReason(), "STORE_NEWER");
  EXPECT_THAT(message_, HasSubstr("schema 2"));
  EXPECT_EQ(directory_.Read("store.db"), content);
}

TEST_F(SqliteStoreTest, AMissingDirectoryIsNamed) {
  const auto store = SqliteStore::Open(directory_.Path("missing/store.db"));
  EXPECT_EQ(ErrorReason(store.status()), "STORE_UNREADABLE");
  EXPECT_THAT(std::string(store.status().message()), HasSubstr("missing/store.db"));
}

TEST_F(SqliteStoreTest, ADirectoryInThePlaceOfTheFileIsAnError) {
  const auto store = SqliteStore::Open(directory_.path());
  EXPECT_EQ(ErrorReason(store.status()), "STORE_UNREADABLE");
}

// In /proc nobody can make files, root neither.
TEST_F(SqliteStoreTest, ADirectoryThatTakesNoFilesIsAnError) {
  const auto store = SqliteStore::Open("/proc/store.db");
  EXPECT_EQ(ErrorReason(store.status()), "STORE_UNREADABLE");
  EXPECT_THAT(std::string(store.status().message()), HasSubstr("writable"));
}

TEST_F(SqliteStoreTest, AFullStoreRefusesAndLosesNothing) {
  auto database = SqliteDatabase::Open(path_);
  ASSERT_TRUE(database.ok()) << database.status();
  ASSERT_TRUE((*database)->Execute("CREATE TABLE t (x); PRAGMA max_page_count = 3").ok());
  const absl::Status full = (*database)->Execute("INSERT INTO t VALUES (zeroblob(100000))");
  EXPECT_EQ(full.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ErrorReason(full), "STORE_FULL");
  EXPECT_THAT(std::string(full.message()), HasSubstr("free space"));
  EXPECT_EQ(*(*database)->QueryNumber("SELECT count(*) FROM t"), 0);
}

}  // namespace
}  // namespace hotplugger::server
