#include "agent/devices/sysfs.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/errno_status.h"
#include "common/error_info.h"
#include "common/status_macros.h"

namespace hotplugger::agent {
namespace {

constexpr size_t kMaxFileLength = 64 * 1024;

// Closes a file descriptor at the end of its scope.
class ScopedFd {
 public:
  explicit ScopedFd(int fd) : fd_(fd) {}
  ~ScopedFd() {
    if (fd_ >= 0) close(fd_);
  }
  ScopedFd(const ScopedFd&) = delete;
  ScopedFd& operator=(const ScopedFd&) = delete;
  int get() const { return fd_; }
  int Release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

// Sysfs has links of its own below the root (e.g. in bus/), so links are followed but can't leave.
int OpenBeneath(int root, const std::string& path, int flags) {
  open_how how = {};
  how.flags = static_cast<uint64_t>(flags | O_CLOEXEC);
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  return static_cast<int>(syscall(SYS_openat2, root, path.c_str(), &how, sizeof how));
}

absl::StatusOr<std::string> ReadAll(int fd, const std::string& place) {
  std::string content;
  char buffer[4096];
  for (;;) {
    const ssize_t got = read(fd, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return ErrnoStatus(errno, "reading", place);
    if (got == 0) return content;
    content.append(buffer, static_cast<size_t>(got));
    if (content.size() > kMaxFileLength) return ErrnoStatus(EFBIG, "reading", place);
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<Sysfs>> Sysfs::Open(const std::string& path, Kind kind) {
  ScopedFd fd(open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (fd.get() < 0) return ErrnoStatus(errno, "opening", path);
  struct statfs file_system = {};
  if (fstatfs(fd.get(), &file_system) != 0) return ErrnoStatus(errno, "examining", path);
  if (kind == Kind::kRealSysfs && file_system.f_type != SYSFS_MAGIC) {
    return MakeError(absl::StatusCode::kFailedPrecondition, "NOT_SYSFS",
                     absl::StrCat(path,
                                  " is not a sysfs file system, so writes there would change "
                                  "nothing; mount sysfs, or pass --sysroot for a tree that "
                                  "stands for it in a test"));
  }
  return std::unique_ptr<Sysfs>(new Sysfs(path, fd.Release()));
}

Sysfs::~Sysfs() { close(fd_); }

absl::StatusOr<std::string> Sysfs::Read(absl::string_view path) const {
  const std::string place = absl::StrCat(root_, "/", path);
  const ScopedFd fd(OpenBeneath(fd_, std::string(path), O_RDONLY));
  if (fd.get() < 0) return ErrnoStatus(errno, "opening", place);
  return ReadAll(fd.get(), place);
}

absl::StatusOr<std::vector<std::string>> Sysfs::List(absl::string_view path) const {
  const std::string place = absl::StrCat(root_, "/", path);
  ScopedFd fd(OpenBeneath(fd_, std::string(path), O_RDONLY | O_DIRECTORY));
  if (fd.get() < 0) return ErrnoStatus(errno, "opening", place);
  DIR* directory = fdopendir(fd.get());
  if (directory == nullptr) return ErrnoStatus(errno, "listing", place);
  fd.Release();  // closedir closes it
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* entry = readdir(directory)) {
    const absl::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  const int error_number = errno;
  closedir(directory);
  if (error_number != 0) return ErrnoStatus(error_number, "listing", place);
  std::sort(names.begin(), names.end());
  return names;
}

absl::StatusOr<bool> Sysfs::Exists(absl::string_view path) const {
  const ScopedFd fd(OpenBeneath(fd_, std::string(path), O_PATH));
  if (fd.get() >= 0) return true;
  if (errno == ENOENT || errno == ENOTDIR) return false;
  return ErrnoStatus(errno, "looking for", absl::StrCat(root_, "/", path));
}

}  // namespace hotplugger::agent
