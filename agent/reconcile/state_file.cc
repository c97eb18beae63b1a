#include "agent/reconcile/state_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "common/digest.h"
#include "common/errno_status.h"
#include "common/error_info.h"
#include "common/regular_file.h"
#include "common/status_macros.h"

namespace hotplugger::agent {
namespace {

constexpr char kFile[] = "state";
constexpr char kNewFile[] = "state.new";
// On its way to become the previous one.
constexpr char kOldFile[] = "state.old";
constexpr char kPreviousFile[] = "state.previous";
constexpr char kDamagedFile[] = "state.damaged";
// The first line is the SHA-256 of the rest, in hex.
constexpr size_t kHeaderLength = 65;

absl::Status WriteAll(int fd, absl::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t written = write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return ErrnoStatus(errno, "writing", path);
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  if (fsync(fd) != 0) return ErrnoStatus(errno, "syncing", path);
  return absl::OkStatus();
}

bool Decode(absl::string_view content, v1::AgentState* state) {
  if (content.size() < kHeaderLength || content[kHeaderLength - 1] != '\n') return false;
  const absl::string_view body = content.substr(kHeaderLength);
  return Sha256Hex(body) == content.substr(0, kHeaderLength - 1) &&
         state->ParseFromArray(body.data(), static_cast<int>(body.size()));
}

absl::Status Damaged(const std::string& path, absl::string_view why) {
  return MakeError(absl::StatusCode::kDataLoss, "STATE_DAMAGED",
                   absl::StrCat(path, " is damaged (", why, ")"), {{"path", path}});
}

// Whether a file whose reading fails so is itself the matter, and not who reads it.
bool IsDamage(const absl::Status& status) {
  const std::string reason = ErrorReason(status);
  return reason == "EIO" || reason == "FILE_TOO_LARGE";
}

// Of what Read answers.
bool IsLoss(const absl::Status& status) {
  return ErrorReason(status) == "STATE_DAMAGED" || ErrorReason(status) == "STATE_MISSING";
}

absl::Status Unreadable(const absl::Status& cause) {
  return MakeError(
      cause.code(), ErrorReason(cause),
      absl::StrCat("the agent's memory can't be read, so it does not start, lest it forgets what "
                   "it has to put back: ",
                   cause.message(),
                   "; nothing was touched; see to it that the agent may read the file and that "
                   "the host has memory and file descriptors left, then start it again"),
      {{"path", ErrorMetadataValue(cause, "path")}, {"errno", ErrorMetadataValue(cause, "errno")}});
}

}  // namespace

absl::StatusOr<std::unique_ptr<StateFile>> StateFile::Open(const std::string& directory) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) return ErrnoStatus(error.value(), "making", directory);
  ScopedFd directory_fd(open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory_fd.get() < 0) return ErrnoStatus(errno, "opening", directory);
  if (flock(directory_fd.get(), LOCK_EX | LOCK_NB) == 0) {
    return std::unique_ptr<StateFile>(new StateFile(directory, std::move(directory_fd)));
  }
  if (errno == EWOULDBLOCK) {
    return MakeError(absl::StatusCode::kFailedPrecondition, "STATE_DIR_IN_USE",
                     absl::StrCat("another agent uses ", directory,
                                  "; a host has one agent, so stop the other one first"));
  }
  return ErrnoStatus(errno, "locking", directory);
}

std::string StateFile::PathOf(const char* file) const {
  return absl::StrCat(directory_, "/", file);
}

absl::StatusOr<v1::AgentState> StateFile::Read(const char* file) const {
  const std::string path = PathOf(file);
  const absl::StatusOr<std::optional<std::string>> content =
      ReadRegularFile(directory_fd_.get(), file, path, kMaxBytes);
  // Whoever put that there knows why; it is not for us to move it away.
  if (ErrorReason(content.status()) == "NOT_A_FILE") return content.status();
  if (IsDamage(content.status())) return Damaged(path, content.status().message());
  if (!content.ok()) return Unreadable(content.status());
  if (!*content) {
    return MakeError(absl::StatusCode::kNotFound, "STATE_MISSING",
                     absl::StrCat(path, " is missing"), {{"path", path}});
  }
  v1::AgentState state;
  if (Decode(**content, &state)) return state;
  return Damaged(path, "its checksum does not fit");
}

absl::Status StateFile::SetAside(const absl::Status& damage) {
  const bool moved = renameat(directory_fd_.get(), kFile, directory_fd_.get(), kDamagedFile) == 0;
  is_damaged_ = !moved;
  return MakeError(
      damage.code(), ErrorReason(damage),
      absl::StrCat(damage.message(),
                   moved ? absl::StrCat(" and was set aside as ", kDamagedFile)
                         : absl::StrCat(" and can't be set aside (", ErrnoName(errno), ")")),
      {{"path", PathOf(kFile)}});
}

absl::StatusOr<StateStore::Loaded> StateFile::Load() {
  absl::StatusOr<v1::AgentState> latest = Read(kFile);
  if (latest.ok()) return Loaded{*std::move(latest), Loaded::From::kLatest, absl::OkStatus()};
  absl::Status damage = latest.status();
  if (!IsLoss(damage)) return damage;
  absl::StatusOr<v1::AgentState> previous = Read(kPreviousFile);
  // Else what is left would be given up for a reason that passes.
  const bool in_its_way = ErrorReason(previous.status()) == "NOT_A_FILE";
  if (!previous.ok() && !IsLoss(previous.status()) && !in_its_way) return previous.status();
  if (absl::IsDataLoss(damage)) damage = SetAside(damage);
  if (previous.ok()) return Loaded{*std::move(previous), Loaded::From::kPrevious, damage};
  const bool never_saved = absl::IsNotFound(damage) && absl::IsNotFound(previous.status());
  if (never_saved) return Loaded();
  return Loaded{{},
                Loaded::From::kNowhere,
                MakeError(absl::StatusCode::kDataLoss, "STATE_DAMAGED",
                          absl::StrCat(damage.message(), ", and ", previous.status().message()),
                          {{"path", PathOf(kFile)}})};
}

absl::Status StateFile::WriteNew(const std::string& content) const {
  const std::string path = PathOf(kNewFile);
  const int fd =
      openat(directory_fd_.get(), kNewFile, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return ErrnoStatus(errno, "opening", path);
  absl::Status status = WriteAll(fd, content, path);
  if (close(fd) != 0 && status.ok()) status = ErrnoStatus(errno, "closing", path);
  // On a full disk it would hold the last of the room.
  if (!status.ok()) unlinkat(directory_fd_.get(), kNewFile, 0);
  return status;
}

// A second name for the file that is about to be replaced; at no instant has it none. Where that
// can't be made (a file system without links) there is no previous file, which is but a help.
void StateFile::KeepPrevious() const {
  const int directory = directory_fd_.get();
  unlinkat(directory, kOldFile, 0);
  if (linkat(directory, kFile, directory, kOldFile, 0) != 0) return;
  renameat(directory, kOldFile, directory, kPreviousFile);
  // Left by renameat where a crash has made both one file already.
  unlinkat(directory, kOldFile, 0);
}

absl::Status StateFile::Save(const v1::AgentState& state) {
  std::string body;
  if (!state.SerializeToString(&body)) {
    return MakeError(absl::StatusCode::kInternal, "STATE_NOT_SERIALIZABLE",
                     "the agent's state can't be serialized");
  }
  if (body.size() > kMaxBytes - kHeaderLength) {
    return MakeError(absl::StatusCode::kResourceExhausted, "STATE_TOO_LARGE",
                     absl::StrCat("the agent's state has ", body.size(), " bytes, more than the ",
                                  kMaxBytes, " that a file may have"));
  }
  RETURN_IF_ERROR(WriteNew(absl::StrCat(Sha256Hex(body), "\n", body)));
  if (!is_damaged_) KeepPrevious();
  if (renameat(directory_fd_.get(), kNewFile, directory_fd_.get(), kFile) != 0) {
    return ErrnoStatus(errno, "renaming", PathOf(kNewFile));
  }
  is_damaged_ = false;
  if (fsync(directory_fd_.get()) != 0) return ErrnoStatus(errno, "syncing", directory_);
  return absl::OkStatus();
}

}  // namespace hotplugger::agent
