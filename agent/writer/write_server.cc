#include "agent/writer/write_server.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cctype>
#include <cerrno>
#include <cstdio>
#include <cstring>

namespace hotplugger::agent {
namespace {

constexpr int kMaxCpu = 8191;

// One open, one write (kernel 8, row 22). The path is made here from typed fields, never taken.
int WriteFile(int root, const char* path, const char* value) {
  open_how how = {};
  how.flags = O_WRONLY | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  const int fd = static_cast<int>(syscall(SYS_openat2, root, path, &how, sizeof how));
  if (fd < 0) return errno;
  const size_t length = strlen(value);
  const ssize_t written = write(fd, value, length);
  const int error_number = written < 0 ? errno : static_cast<size_t>(written) == length ? 0 : EIO;
  const bool closed = close(fd) == 0;
  return error_number != 0 ? error_number : closed ? 0 : errno;
}

int SetCpu(int root, const WriteRequest& request) {
  if (request.cpu < 0 || request.cpu > kMaxCpu) return EINVAL;
  char path[64];
  snprintf(path, sizeof path, "devices/system/cpu/cpu%d/online", request.cpu);
  return WriteFile(root, path, request.value == 1 ? "1\n" : "0\n");
}

int SetDriver(int root, const WriteRequest& request) {
  const size_t length = strnlen(request.driver, sizeof request.driver);
  if (length == 0 || length == sizeof request.driver) return EINVAL;
  for (size_t i = 0; i < length; ++i) {
    if (isgraph(static_cast<unsigned char>(request.driver[i])) == 0) return EINVAL;
  }
  return WriteFile(
      root,
      request.value == 1 ? "kernel/hotplugger/enable_driver" : "kernel/hotplugger/disable_driver",
      request.driver);
}

}  // namespace

int CarryOut(int root, const WriteRequest& request) {
  if (request.value > 1) return EINVAL;
  switch (request.act) {
    case WriteAct::kCpuOnline:
      return SetCpu(root, request);
    case WriteAct::kKernelDriver:
      return SetDriver(root, request);
  }
  return EINVAL;
}

int ServeWrites(int socket, int root) {
  for (;;) {
    WriteRequest request = {};
    const ssize_t got = recv(socket, &request, sizeof request, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got == 0) return 0;
    if (got != sizeof request) return 1;
    WriteReply reply = {};
    reply.sequence = request.sequence;
    reply.error_number = CarryOut(root, request);
    if (send(socket, &reply, sizeof reply, MSG_NOSIGNAL) != sizeof reply) return 1;
  }
}

}  // namespace hotplugger::agent
