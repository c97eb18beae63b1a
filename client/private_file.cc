#include "client/private_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "client/text.h"
#include "common/errno_status.h"
#include "common/error_info.h"
#include "common/status_macros.h"

namespace hotplugger::client {
namespace {

constexpr absl::Duration kLockStep = absl::Milliseconds(20);
constexpr mode_t kPrivateFile = S_IRUSR | S_IWUSR;
constexpr mode_t kOthersWrite = S_IWGRP | S_IWOTH;

// The file that `path` leads to, or would.
std::string RealPath(const std::string& path) {
  std::error_code error;
  const auto real = std::filesystem::canonical(path, error);
  return error ? path : real.string();
}

std::string FolderOf(const std::string& path) {
  const auto folder = std::filesystem::path(path).parent_path();
  return folder.empty() ? "." : folder.string();
}

// The last one for the user alone, whatever the umask; those above it as others make them.
absl::Status MakeFolder(const std::string& folder) {
  std::error_code error;
  std::filesystem::create_directories(FolderOf(folder), error);
  if (error) return ErrnoStatus(error.value(), "make the folder", folder);
  if (mkdir(folder.c_str(), S_IRWXU) != 0 && errno != EEXIST) {
    return ErrnoStatus(errno, "make the folder", folder);
  }
  return absl::OkStatus();
}

absl::Status Unsafe(const std::string& path, const std::string& what, const std::string& fix) {
  return MakeError(
      absl::StatusCode::kFailedPrecondition, "UNSAFE_PERMISSIONS",
      absl::StrCat(Printable(path), " ", what, ", who could say in it whom you call; ", fix),
      {{"path", path}});
}

// One file or folder.
absl::Status CheckOne(const std::string& path) {
  struct stat facts = {};
  if (stat(path.c_str(), &facts) != 0) {
    return errno == ENOENT ? absl::OkStatus() : ErrnoStatus(errno, "look at", path);
  }
  if (facts.st_uid != geteuid() && facts.st_uid != 0) {
    return Unsafe(path, absl::StrCat("belongs to user ", facts.st_uid),
                  "make it your own with chown, or name another file by HOTPLUGCTL_CONFIG");
  }
  const bool sticky_folder = S_ISDIR(facts.st_mode) && (facts.st_mode & S_ISVTX) != 0;
  if (sticky_folder || (facts.st_mode & kOthersWrite) == 0) return absl::OkStatus();
  return Unsafe(path,
                absl::StrCat("can be written by ",
                             (facts.st_mode & S_IWOTH) != 0 ? "everybody" : "its group"),
                absl::StrCat("take that back: chmod go-w ", Printable(path)));
}

absl::Status WriteAll(int fd, absl::string_view content, const std::string& path) {
  while (!content.empty()) {
    const ssize_t count = write(fd, content.data(), content.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return ErrnoStatus(errno, "write", path);
    content.remove_prefix(static_cast<size_t>(count));
  }
  if (fsync(fd) != 0) return ErrnoStatus(errno, "write", path);
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckOnlyOwnerWrites(const std::string& path) {
  const std::string real_path = RealPath(path);
  RETURN_IF_ERROR(CheckOne(FolderOf(path)));
  if (real_path != path) RETURN_IF_ERROR(CheckOne(FolderOf(real_path)));
  return CheckOne(real_path);
}

absl::StatusOr<ScopedFd> LockPrivateFile(const std::string& path, const LockWait& wait) {
  const std::string real_path = RealPath(path);
  RETURN_IF_ERROR(MakeFolder(FolderOf(real_path)));
  const std::string lock_path = absl::StrCat(real_path, ".lock");
  ScopedFd fd(open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
                   kPrivateFile));
  if (fd.get() < 0) return ErrnoStatus(errno, "open", lock_path);
  const absl::Time begun = wait.steady_clock.Now();
  while (flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EINTR) continue;
    if (errno != EWOULDBLOCK) return ErrnoStatus(errno, "lock", lock_path);
    if (wait.steady_clock.Now() - begun >= wait.longest) {
      return MakeError(
          absl::StatusCode::kAborted, "FILE_LOCKED",
          absl::StrCat("another program has kept ", Printable(lock_path), " locked for ",
                       absl::FormatDuration(wait.longest), "; `fuser -v ", Printable(lock_path),
                       "` shows which: end it, "
                       "and try again"),
          {{"path", lock_path}});
    }
    wait.pause(kLockStep);
  }
  return fd;
}

absl::Status WritePrivateFile(const std::string& path, absl::string_view content) {
  const std::string real_path = RealPath(path);
  const std::string new_path = absl::StrCat(real_path, ".new");
  // One name for all: what was left behind doesn't add up.
  if (unlink(new_path.c_str()) != 0 && errno != ENOENT) {
    return ErrnoStatus(errno, "remove", new_path);
  }
  const ScopedFd fd(
      open(new_path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, kPrivateFile));
  if (fd.get() < 0) return ErrnoStatus(errno, "make a file beside", real_path);
  auto remover = absl::MakeCleanup([&new_path] { unlink(new_path.c_str()); });
  RETURN_IF_ERROR(WriteAll(fd.get(), content, new_path));
  if (std::rename(new_path.c_str(), real_path.c_str()) != 0) {
    return ErrnoStatus(errno, "replace", real_path);
  }
  std::move(remover).Cancel();
  return absl::OkStatus();
}

}  // namespace hotplugger::client
