#include "common/yaml/text_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "absl/cleanup/cleanup.h"
#include "common/errno_status.h"
#include "common/yaml/yaml_tree.h"

namespace hotplugger {

absl::StatusOr<std::string> ReadTextFile(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return ErrnoStatus(errno, "open", path);
  const auto closer = absl::MakeCleanup([fd] { close(fd); });
  std::string text;
  while (text.size() <= kMaxYamlBytes) {
    char buffer[16384];
    const ssize_t count = read(fd, buffer, sizeof(buffer));
    if (count == 0) break;
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return ErrnoStatus(errno, "read", path);
    text.append(buffer, static_cast<size_t>(count));
  }
  return text;
}

}  // namespace hotplugger
