#include "agent/devices/inventory/file_tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/errno_status.h"
#include "common/error_info.h"
#include "common/scoped_fd.h"
#include "common/status_macros.h"

namespace hotplugger::agent {
namespace {

// The kernel answers reads of sysfs a page at a time.
constexpr size_t kPageBytes = 4096;
// Of one open, see OpenAgain. Each takes microseconds.
constexpr int kMaxOpens = 1000;

// A path with the NUL that system calls want, without a trip to the heap.
class PathText {
 public:
  explicit PathText(absl::string_view path) {
    // A NUL would cut the path short, and so name another file.
    if (path.size() >= sizeof text_ || absl::StrContains(path, '\0')) {
      error_number_ = path.size() >= sizeof text_ ? ENAMETOOLONG : EINVAL;
      return;
    }
    memcpy(text_, path.data(), path.size());
    text_[path.size()] = '\0';
  }
  int error_number() const { return error_number_; }
  const char* c_str() const { return text_; }

 private:
  char text_[PATH_MAX];
  int error_number_ = 0;
};

// The kernel answers EAGAIN where a path has "..", as most links of sysfs do, and anything anywhere
// on the host was renamed or mounted meanwhile: it can't be sure then that the path stays beneath
// the root. It asks to be asked again, which a busy host needs more than once.
int OpenAgain(int root, const char* path, const open_how& how) {
  for (int opens = 1;; ++opens) {
    const auto fd = static_cast<int>(syscall(SYS_openat2, root, path, &how, sizeof how));
    if (fd >= 0 || errno != EAGAIN || opens == kMaxOpens) return fd;
  }
}

// -1 and errno as openat2. Links are followed, sysfs has many, but can't leave the tree. What lies
// in var/ is the administrator's to link elsewhere: there absolute links count from the root.
int OpenBeneath(int root, absl::string_view path, int flags) {
  const PathText text(path);
  if (text.error_number() != 0) {
    errno = text.error_number();
    return -1;
  }
  open_how how = {};
  // A pipe in the place of a file must not hold up the agent; regular files and sysfs ignore it.
  how.flags = static_cast<uint64_t>(flags | O_CLOEXEC | ((flags & O_PATH) != 0 ? 0 : O_NONBLOCK));
  how.resolve =
      RESOLVE_NO_MAGICLINKS | (absl::StartsWith(path, "var/") ? RESOLVE_IN_ROOT : RESOLVE_BENEATH);
  return OpenAgain(root, text.c_str(), how);
}

// One read, again where a signal interrupts it. -1 and errno.
ssize_t ReadSome(int fd, char* buffer, size_t size) {
  for (;;) {
    const ssize_t got = read(fd, buffer, size);
    if (got >= 0 || errno != EINTR) return got;
  }
}

bool IsGone(int error_number) {
  return error_number == ENOENT || error_number == ENOTDIR || error_number == ENODEV;
}

// Why a file could not be read.
struct ReadFailure {
  // 0: it was read.
  int error_number = 0;
  const char* action = "";
};

// Files of sysfs and of disks end where a read gives less than a page; those of proc, made record
// by record, only where one gives nothing.
ReadFailure ReadFile(int root, absl::string_view path, bool short_read_is_end,
                     std::string* content) {
  const ScopedFd fd(OpenBeneath(root, path, O_RDONLY));
  if (fd.get() < 0) return {errno, "opening"};
  char buffer[kPageBytes];
  for (;;) {
    const ssize_t got = ReadSome(fd.get(), buffer, sizeof buffer);
    if (got < 0) return {errno, "reading"};
    content->append(buffer, static_cast<size_t>(got));
    if (content->size() > FileTree::kMaxFileBytes) return {EFBIG, "reading"};
    if (got == 0 || (short_read_is_end && static_cast<size_t>(got) < sizeof buffer)) return {};
  }
}

bool IsFolder(int directory, const dirent64& entry) {
  if (entry.d_type != DT_UNKNOWN) return entry.d_type == DT_DIR;
  struct stat64 status = {};
  return fstatat64(directory, entry.d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
         S_ISDIR(status.st_mode);
}

}  // namespace

absl::StatusOr<std::unique_ptr<FileTree>> FileTree::Open(const std::string& path) {
  const int fd = open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return ErrnoStatus(errno, "opening", path);
  return std::unique_ptr<FileTree>(new FileTree(path, fd, false));
}

FileTree::~FileTree() { close(fd_); }

std::string FileTree::FullPath(absl::string_view path) const {
  return absl::StrCat(absl::StripSuffix(root_, "/"), "/", path);
}

bool FileTree::IsInProc(absl::string_view path) const {
  return in_proc_ || path == "proc" || absl::StartsWith(path, "proc/");
}

absl::StatusOr<std::unique_ptr<FileTree>> FileTree::OpenFolder(absl::string_view path) const {
  const int fd = OpenBeneath(fd_, path, O_PATH | O_DIRECTORY);
  if (fd < 0) return ErrnoStatus(errno, "opening", FullPath(path));
  return std::unique_ptr<FileTree>(new FileTree(FullPath(path), fd, IsInProc(path)));
}

absl::StatusOr<std::string> FileTree::Read(absl::string_view path) const {
  std::string content;
  const ReadFailure failure = ReadFile(fd_, path, !IsInProc(path), &content);
  if (failure.error_number == 0) return content;
  return ErrnoStatus(failure.error_number, failure.action, FullPath(path));
}

absl::StatusOr<std::optional<std::string>> FileTree::ReadIfThere(absl::string_view path) const {
  std::string content;
  const ReadFailure failure = ReadFile(fd_, path, !IsInProc(path), &content);
  if (failure.error_number == 0) return std::optional<std::string>(std::move(content));
  if (IsGone(failure.error_number)) return std::optional<std::string>();
  return ErrnoStatus(failure.error_number, failure.action, FullPath(path));
}

absl::Status FileTree::VisitLines(
    absl::string_view path, absl::FunctionRef<absl::Status(absl::string_view line)> visit) const {
  const ScopedFd fd(OpenBeneath(fd_, path, O_RDONLY));
  if (fd.get() < 0) return ErrnoStatus(errno, "opening", FullPath(path));
  std::string rest;  // the beginning of a line whose end is still to come
  size_t total = 0;
  std::vector<char> buffer(16 * kPageBytes);
  for (;;) {
    const ssize_t got = ReadSome(fd.get(), buffer.data(), buffer.size());
    if (got < 0) return ErrnoStatus(errno, "reading", FullPath(path));
    if (got == 0) return rest.empty() ? absl::OkStatus() : visit(rest);
    total += static_cast<size_t>(got);
    absl::string_view news(buffer.data(), static_cast<size_t>(got));
    for (size_t end = news.find('\n'); end != news.npos; end = news.find('\n')) {
      if (rest.empty()) {
        RETURN_IF_ERROR(visit(news.substr(0, end)));
      } else {
        absl::StrAppend(&rest, news.substr(0, end));
        RETURN_IF_ERROR(visit(rest));
        rest.clear();
      }
      news.remove_prefix(end + 1);
    }
    absl::StrAppend(&rest, news);
    if (total > kMaxLinesBytes || rest.size() > kMaxFileBytes) {
      return ErrnoStatus(EFBIG, "reading", FullPath(path));
    }
  }
}

absl::Status FileTree::Visit(
    absl::string_view path,
    absl::FunctionRef<void(absl::string_view name, bool is_folder)> visit) const {
  const ScopedFd fd(OpenBeneath(fd_, path, O_RDONLY | O_DIRECTORY));
  if (fd.get() < 0) return ErrnoStatus(errno, "opening", FullPath(path));
  alignas(dirent64) char buffer[8 * kPageBytes];
  for (;;) {
    const ssize_t got = getdents64(fd.get(), buffer, sizeof buffer);
    if (got < 0) return ErrnoStatus(errno, "listing", FullPath(path));
    if (got == 0) return absl::OkStatus();
    for (const char* next = buffer; next < buffer + got;) {
      const auto* entry = reinterpret_cast<const dirent64*>(next);
      next += entry->d_reclen;
      const absl::string_view name = entry->d_name;
      if (name != "." && name != "..") visit(name, IsFolder(fd.get(), *entry));
    }
  }
}

absl::StatusOr<std::vector<std::string>> FileTree::List(absl::string_view path) const {
  std::vector<std::string> names;
  RETURN_IF_ERROR(
      Visit(path, [&](absl::string_view name, bool /*is_folder*/) { names.emplace_back(name); }));
  std::sort(names.begin(), names.end());
  return names;
}

absl::StatusOr<std::vector<std::string>> FileTree::ListFolders(absl::string_view path) const {
  std::vector<std::string> names;
  RETURN_IF_ERROR(Visit(path, [&](absl::string_view name, bool is_folder) {
    if (is_folder) names.emplace_back(name);
  }));
  std::sort(names.begin(), names.end());
  return names;
}

absl::StatusOr<std::optional<std::string>> FileTree::ReadLink(absl::string_view path) const {
  const ScopedFd fd(OpenBeneath(fd_, path, O_PATH | O_NOFOLLOW));
  if (fd.get() < 0 && IsGone(errno)) return std::optional<std::string>();
  if (fd.get() < 0) return ErrnoStatus(errno, "opening", FullPath(path));
  char target[PATH_MAX];
  const ssize_t length = readlinkat(fd.get(), "", target, sizeof target);
  if (length < 0 && errno == ENOENT) return std::optional<std::string>();  // no link
  if (length < 0) return ErrnoStatus(errno, "reading the link", FullPath(path));
  return std::optional<std::string>(std::string(target, static_cast<size_t>(length)));
}

absl::StatusOr<bool> FileTree::Exists(absl::string_view path) const {
  const ScopedFd fd(OpenBeneath(fd_, path, O_PATH));
  if (fd.get() >= 0) return true;
  if (IsGone(errno)) return false;
  return ErrnoStatus(errno, "looking for", FullPath(path));
}

absl::StatusOr<bool> FileTree::IsReadOnly(absl::string_view path) const {
  const std::string place = FullPath(path);
  const ScopedFd fd(OpenBeneath(fd_, path, O_PATH));
  if (fd.get() < 0) return ErrnoStatus(errno, "opening", place);
  struct statfs file_system = {};
  if (fstatfs(fd.get(), &file_system) != 0) return ErrnoStatus(errno, "examining", place);
  // Of the mount or of the file system itself.
  return (file_system.f_flags & ST_RDONLY) != 0;
}

absl::Status FileTree::CheckIsSysfs(absl::string_view path) const {
  const std::string place = FullPath(path);
  const ScopedFd fd(OpenBeneath(fd_, path, O_PATH | O_DIRECTORY));
  if (fd.get() < 0) return ErrnoStatus(errno, "opening", place);
  struct statfs file_system = {};
  if (fstatfs(fd.get(), &file_system) != 0) return ErrnoStatus(errno, "examining", place);
  if (file_system.f_type == SYSFS_MAGIC) return absl::OkStatus();
  return MakeError(absl::StatusCode::kFailedPrecondition, "NOT_SYSFS",
                   absl::StrCat(place,
                                " is not a sysfs file system, so writes there would change "
                                "nothing; mount sysfs, or pass --sysroot for a tree that stands "
                                "for a host's root"),
                   {{"path", place}});
}

}  // namespace hotplugger::agent
