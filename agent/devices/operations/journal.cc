#include "agent/devices/operations/journal.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <deque>
#include <utility>

#include "absl/strings/str_cat.h"
#include "agent/devices/operations/journal_contents.h"
#include "common/errno_status.h"
#include "common/error_info.h"
#include "common/log.h"
#include "common/regular_file.h"
#include "common/scoped_fd.h"
#include "common/status_macros.h"

namespace hotplugger::agent {
namespace {

// One write: a line is whole, or it is torn and nobody reads it.
absl::Status WriteAll(int fd, absl::string_view text, const std::string& path) {
  while (!text.empty()) {
    const ssize_t written = write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return ErrnoStatus(errno, "writing", path);
    text.remove_prefix(static_cast<size_t>(written));
  }
  return absl::OkStatus();
}

// An open group of the largest size stays below this; what is longer was not written by this code,
// and is not worth the memory.
constexpr size_t kMaxRead = 64 * Journal::kMaxBytes;

// What goes on where the line can't be written; see the class.
bool GoesOnUnwritten(OperationOrigin origin, v1::DeviceState wanted) {
  const bool brings_back = origin == OperationOrigin::kDriver && wanted == v1::DEVICE_STATE_ONLINE;
  return origin == OperationOrigin::kDecision || origin == OperationOrigin::kUndo || brings_back;
}

// Says what that means to whoever asked for the operation.
absl::Status NotBegun(const absl::Status& cause) {
  return MakeError(
      cause.code(), ErrorReason(cause),
      absl::StrCat("the operation was not begun, for nobody could undo it were the "
                   "agent to end: its journal can't be written: ",
                   cause.message(), "; free space there, or make it writable"),
      {{"path", ErrorMetadataValue(cause, "path")}, {"errno", ErrorMetadataValue(cause, "errno")}});
}

class FileJournal final : public Journal {
 public:
  FileJournal(std::string path, std::string boot_id, Clock& clock)
      : path_(std::move(path)), boot_id_(std::move(boot_id)), clock_(clock) {}

  absl::Status Load() {
    absl::StatusOr<std::optional<std::string>> text =
        ReadRegularFile(AT_FDCWD, path_, path_, kMaxRead);
    if (ErrorReason(text.status()) == "FILE_TOO_LARGE") {
      Log(LogLevel::kError, "the journal is begun anew",
          {{"cause", std::string(text.status().message())}});
      text = std::string();
    }
    RETURN_IF_ERROR(text.status());
    if (*text) {
      found_ = contents_.Read(**text, boot_id_) ? Found::kThisBoot : Found::kOtherBoot;
    }
    for (const JournalOperation& operation : contents_.operations()) {
      if (operation.ended) continue;
      unfinished_.push_back(
          {operation.id, operation.before.device, operation.wanted, operation.group});
    }
    unfinished_groups_ = contents_.open_groups();
    const absl::Status begun = BeginAnew();
    if (!begun.ok()) {
      Log(LogLevel::kError, "the journal can't be written, so it is kept in memory",
          {{"cause", std::string(begun.message())}});
    }
    return absl::OkStatus();
  }

  const std::vector<UnfinishedOperation>& unfinished() const override { return unfinished_; }
  const std::vector<uint64_t>& unfinished_groups() const override { return unfinished_groups_; }
  Found found() const override { return found_; }

  absl::Status saved() const override { return failure_; }
  absl::Status Save() override { return failure_.ok() ? absl::OkStatus() : BeginAnew(); }

  absl::StatusOr<uint64_t> Begin(const DeviceBefore& before, v1::DeviceState wanted, uint64_t group,
                                 OperationOrigin origin) override {
    JournalOperation operation;
    operation.id = contents_.NextId();
    operation.before = before;
    operation.wanted = wanted;
    operation.group = group;
    operation.origin = origin;
    operation.time_ms = absl::ToUnixMillis(clock_.Now());
    const uint64_t id = operation.id;
    const absl::Status appended = Append(JournalContents::BeginLine(operation));
    if (!appended.ok() && !GoesOnUnwritten(origin, wanted)) return NotBegun(appended);
    contents_.Begin(std::move(operation));
    return id;
  }

  absl::Status End(uint64_t id, const v1::ItemResult& result) override {
    const absl::Status appended = Append(JournalContents::EndLine(id, result));
    contents_.End(id, result);
    return appended;
  }

  absl::StatusOr<uint64_t> BeginGroup() override {
    const uint64_t group = contents_.NextId();
    const absl::Status appended = Append(JournalContents::GroupLine(group));
    if (!appended.ok()) return NotBegun(appended);
    contents_.BeginGroup(group);
    return group;
  }

  absl::Status EndGroup(uint64_t group) override {
    const absl::Status appended = Append(JournalContents::GroupEndLine(group));
    contents_.EndGroup(group);
    return appended;
  }

  std::vector<DeviceBefore> TouchedBy(uint64_t group) const override {
    return contents_.TouchedBy(group);
  }

  std::vector<v1::OperationRecord> OperationsOf(absl::string_view device,
                                                size_t limit) const override {
    std::vector<v1::OperationRecord> records;
    const std::deque<JournalOperation>& operations = contents_.operations();
    for (auto it = operations.rbegin(); it != operations.rend() && records.size() < limit; ++it) {
      if (it->before.device != device) continue;
      v1::OperationRecord& record = records.emplace_back();
      record.mutable_time()->set_seconds(it->time_ms / 1000);
      record.mutable_time()->set_nanos(static_cast<int32_t>(it->time_ms % 1000 * 1'000'000));
      record.set_wanted(it->wanted);
      *record.mutable_result() = it->result;
    }
    return records;
  }

  std::vector<DeviceBefore> TakenOfflineAfter(uint64_t operation) const override {
    return contents_.TakenOfflineAfter(operation);
  }

  uint64_t last_operation() const override { return contents_.last_operation(); }

  std::set<std::string> SeenOnline() const override { return contents_.SeenOnline(); }

  std::optional<LastChange> LastChangeOf(absl::string_view device) const override {
    return contents_.LastChangeOf(device);
  }

 private:
  // A half-written line must not swallow the next one, so what a failed write left is cut off.
  absl::Status Append(const std::string& line) {
    // After a failure the file lacks what memory knows, e.g. the end of a group.
    if (!failure_.ok() || size_ + line.size() > full_) RETURN_IF_ERROR(BeginAnew());
    failure_ = WriteAll(file_.get(), line, path_);
    if (failure_.ok()) {
      size_ += line.size();
      return absl::OkStatus();
    }
    if (ftruncate(file_.get(), static_cast<off_t>(size_)) != 0) {
      Log(LogLevel::kError, "the journal can't be mended after a failed write",
          {{"path", path_}, {"errno", ErrnoName(errno)}});
    }
    return failure_;
  }

  absl::Status BeginAnew() {
    failure_ = WriteAnew();
    return failure_;
  }

  // Writes what is remembered to a new file, and puts it in the place of the old one.
  absl::Status WriteAnew() {
    const std::string text = contents_.ToText(boot_id_, kMaxBytes / 2);
    const std::string beside = absl::StrCat(path_, ".new");
    ScopedFd fd(open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600));
    if (fd.get() < 0) return ErrnoStatus(errno, "making", beside);
    absl::Status status = WriteAll(fd.get(), text, beside);
    if (status.ok() && rename(beside.c_str(), path_.c_str()) != 0) {
      status = ErrnoStatus(errno, "renaming", beside);
    }
    if (!status.ok()) {
      // On a full disk it would hold the last of the room.
      unlink(beside.c_str());
      return status;
    }
    file_ = std::move(fd);
    size_ = text.size();
    // Twice what must be kept, so that a large group isn't copied with each of its lines.
    full_ = std::max(kMaxBytes, 2 * size_);
    return absl::OkStatus();
  }

  const std::string path_;
  const std::string boot_id_;
  Clock& clock_;
  JournalContents contents_;
  std::vector<UnfinishedOperation> unfinished_;
  std::vector<uint64_t> unfinished_groups_;
  Found found_ = Found::kNothing;
  // Why the file lacks a line that memory knows.
  absl::Status failure_;
  ScopedFd file_{-1};
  // Bytes of the file, and how many make it be written anew.
  size_t size_ = 0;
  size_t full_ = 0;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Journal>> Journal::Open(const std::string& directory,
                                                       const std::string& boot_id, Clock& clock) {
  if (mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) {
    return ErrnoStatus(errno, "making", directory);
  }
  auto journal = std::make_unique<FileJournal>(absl::StrCat(directory, "/journal"), boot_id, clock);
  RETURN_IF_ERROR(journal->Load());
  return journal;
}

}  // namespace hotplugger::agent
