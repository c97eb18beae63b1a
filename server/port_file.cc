#include "server/port_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "absl/strings/str_cat.h"
#include "common/errno_status.h"

namespace hotplugger::server {

absl::Status WritePortFile(const std::string& path, int grpc_port, int metrics_port,
                           int health_port) {
  std::string content = absl::StrCat("grpc=", grpc_port, "\nmetrics=", metrics_port, "\n");
  if (health_port != 0) absl::StrAppend(&content, "health=", health_port, "\n");
  const std::string temporary = absl::StrCat(path, ".", getpid(), ".tmp");
  const int fd = open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) return ErrnoStatus(errno, "creating the port file", temporary);
  const ssize_t written = write(fd, content.data(), content.size());
  const int write_error = errno;
  close(fd);
  if (written != static_cast<ssize_t>(content.size())) {
    unlink(temporary.c_str());
    return ErrnoStatus(written < 0 ? write_error : ENOSPC, "writing the port file", temporary);
  }
  if (rename(temporary.c_str(), path.c_str()) != 0) {
    const int rename_error = errno;
    unlink(temporary.c_str());
    return ErrnoStatus(rename_error, "renaming the port file to", path);
  }
  return absl::OkStatus();
}

}  // namespace hotplugger::server
