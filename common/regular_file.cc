#include "common/regular_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "common/errno_status.h"
#include "common/error_info.h"
#include "common/scoped_fd.h"

namespace hotplugger {
namespace {

absl::Status CheckRegular(int fd, const std::string& path) {
  struct stat facts = {};
  if (fstat(fd, &facts) != 0) return ErrnoStatus(errno, "looking at", path);
  if (S_ISREG(facts.st_mode)) return absl::OkStatus();
  return MakeError(absl::StatusCode::kFailedPrecondition, "NOT_A_FILE",
                   absl::StrCat(path,
                                " is no regular file, but a directory, a FIFO or a device; "
                                "move it away"),
                   {{"path", path}});
}

}  // namespace

absl::StatusOr<std::optional<std::string>> ReadRegularFile(int directory, const std::string& name,
                                                           const std::string& path,
                                                           size_t max_bytes) {
  // A FIFO would wait for its writer.
  const ScopedFd fd(openat(directory, name.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (fd.get() < 0 && errno == ENOENT) return std::nullopt;
  if (fd.get() < 0) return ErrnoStatus(errno, "opening", path);
  const absl::Status regular = CheckRegular(fd.get(), path);
  if (!regular.ok()) return regular;
  std::string content;
  char buffer[64 * 1024];
  for (;;) {
    const ssize_t got = read(fd.get(), buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return ErrnoStatus(errno, "reading", path);
    if (got == 0) return content;
    content.append(buffer, static_cast<size_t>(got));
    if (content.size() > max_bytes) {
      return MakeError(absl::StatusCode::kResourceExhausted, "FILE_TOO_LARGE",
                       absl::StrCat(path, " has more than ", max_bytes, " bytes"),
                       {{"path", path}});
    }
  }
}

}  // namespace hotplugger
