#include "agent/reconcile/state_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "common/digest.h"
#include "common/errno_status.h"
#include "common/error_info.h"
#include "common/status_macros.h"

namespace hotplugger::agent {
namespace {

constexpr char kFile[] = "state";
constexpr char kNewFile[] = "state.new";
constexpr char kDamagedFile[] = "state.damaged";
constexpr char kLockFile[] = "lock";
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

absl::StatusOr<std::string> ReadAll(int fd, const std::string& path) {
  std::string content;
  char buffer[4096];
  for (;;) {
    const ssize_t got = read(fd, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return ErrnoStatus(errno, "reading", path);
    if (got == 0) return content;
    content.append(buffer, static_cast<size_t>(got));
  }
}

bool Decode(absl::string_view content, v1::AgentState* state) {
  if (content.size() < kHeaderLength || content[kHeaderLength - 1] != '\n') return false;
  const absl::string_view body = content.substr(kHeaderLength);
  return Sha256Hex(body) == content.substr(0, kHeaderLength - 1) &&
         state->ParseFromArray(body.data(), static_cast<int>(body.size()));
}

}  // namespace

absl::StatusOr<std::unique_ptr<StateFile>> StateFile::Open(const std::string& directory) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) return ErrnoStatus(error.value(), "making", directory);
  const int directory_fd = open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory_fd < 0) return ErrnoStatus(errno, "opening", directory);
  const int lock_fd = openat(directory_fd, kLockFile, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  const int error_number = lock_fd < 0 ? errno : flock(lock_fd, LOCK_EX | LOCK_NB) == 0 ? 0 : errno;
  if (error_number == 0) {
    return std::unique_ptr<StateFile>(new StateFile(directory, directory_fd, lock_fd));
  }
  if (lock_fd >= 0) close(lock_fd);
  close(directory_fd);
  if (error_number == EWOULDBLOCK) {
    return MakeError(absl::StatusCode::kFailedPrecondition, "STATE_DIR_IN_USE",
                     absl::StrCat("another agent uses ", directory,
                                  "; a host has one agent, so stop the other one first"));
  }
  return ErrnoStatus(error_number, "locking", absl::StrCat(directory, "/", kLockFile));
}

StateFile::~StateFile() {
  close(lock_fd_);
  close(directory_fd_);
}

absl::StatusOr<v1::AgentState> StateFile::Load() {
  const std::string path = absl::StrCat(directory_, "/", kFile);
  const int fd = openat(directory_fd_, kFile, O_RDONLY | O_CLOEXEC);
  if (fd < 0 && errno == ENOENT) return v1::AgentState();
  if (fd < 0) return ErrnoStatus(errno, "opening", path);
  const absl::StatusOr<std::string> content = ReadAll(fd, path);
  close(fd);
  if (!content.ok()) return content.status();
  v1::AgentState state;
  if (Decode(*content, &state)) return state;
  if (renameat(directory_fd_, kFile, directory_fd_, kDamagedFile) != 0) {
    return ErrnoStatus(errno, "setting aside", path);
  }
  return MakeError(
      absl::StatusCode::kDataLoss, "STATE_DAMAGED",
      absl::StrCat(path, " is damaged (its checksum does not fit) and was set aside as ",
                   kDamagedFile, "; the last good spec comes from the controller again"));
}

absl::Status StateFile::Save(const v1::AgentState& state) {
  const std::string path = absl::StrCat(directory_, "/", kNewFile);
  std::string body;
  if (!state.SerializeToString(&body)) {
    return MakeError(absl::StatusCode::kInternal, "STATE_NOT_SERIALIZABLE",
                     "the agent's state can't be serialized");
  }
  const int fd = openat(directory_fd_, kNewFile, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return ErrnoStatus(errno, "opening", path);
  absl::Status status = WriteAll(fd, absl::StrCat(Sha256Hex(body), "\n", body), path);
  if (close(fd) != 0 && status.ok()) status = ErrnoStatus(errno, "closing", path);
  RETURN_IF_ERROR(status);
  if (renameat(directory_fd_, kNewFile, directory_fd_, kFile) != 0) {
    return ErrnoStatus(errno, "renaming", path);
  }
  if (fsync(directory_fd_) != 0) return ErrnoStatus(errno, "syncing", directory_);
  return absl::OkStatus();
}

}  // namespace hotplugger::agent
