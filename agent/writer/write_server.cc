#include "agent/writer/write_server.h"

#include <fcntl.h>
#include <fnmatch.h>
#include <linux/openat2.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cctype>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <iterator>

namespace hotplugger::agent {
namespace {

constexpr int kMaxCpu = 8191;
// Of a driver's name; the kernel reads 30 bytes (contract: the sysfs face).
constexpr size_t kMaxDriverName = 31;

// Of one open: the kernel answers EAGAIN where a path has ".." and anything was renamed meanwhile.
constexpr int kMaxOpens = 1000;

int OpenForWriting(int root, const char* path) {
  open_how how = {};
  how.flags = O_WRONLY | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  for (int opens = 1;; ++opens) {
    const int fd = static_cast<int>(syscall(SYS_openat2, root, path, &how, sizeof how));
    if (fd >= 0 || errno != EAGAIN || opens == kMaxOpens) return fd;
  }
}

// One open, one write (kernel 8, row 22). The path is made here from typed fields, never taken.
int WriteFile(int root, const char* path, const char* value) {
  const int fd = OpenForWriting(root, path);
  if (fd < 0) return errno;
  const size_t length = strlen(value);
  const ssize_t written = write(fd, value, length);
  const int error_number = written < 0 ? errno : static_cast<size_t>(written) == length ? 0 : EIO;
  const bool closed = close(fd) == 0;
  return error_number != 0 ? error_number : closed ? 0 : errno;
}

int SetCpu(int root, const WriteRequest& request) {
  if (request.number < 0 || request.number > kMaxCpu || request.value > 1) return EINVAL;
  char path[96];
  snprintf(path, sizeof path, "sys/devices/system/cpu/cpu%d/online", request.number);
  return WriteFile(root, path, request.value == 1 ? "1\n" : "0\n");
}

int SetMemory(int root, const WriteRequest& request) {
  static constexpr const char* kWords[] = {"offline\n", "online\n", "online_kernel\n",
                                           "online_movable\n"};
  if (request.number < 0 || request.value >= std::size(kWords)) return EINVAL;
  char path[96];
  snprintf(path, sizeof path, "sys/devices/system/memory/memory%d/state", request.number);
  return WriteFile(root, path, kWords[request.value]);
}

int SetSmt(int root, const WriteRequest& request) {
  char word[16];
  switch (static_cast<SmtWord>(request.value)) {
    case SmtWord::kOff:
      snprintf(word, sizeof word, "off\n");
      break;
    case SmtWord::kOn:
      snprintf(word, sizeof word, "on\n");
      break;
    case SmtWord::kForceOff:
      snprintf(word, sizeof word, "forceoff\n");
      break;
    case SmtWord::kThreads:
      if (request.number < 1) return EINVAL;
      snprintf(word, sizeof word, "%d\n", request.number);
      break;
    default:
      return EINVAL;
  }
  return WriteFile(root, "sys/devices/system/cpu/smt/control", word);
}

// Whether `text` is ended by NUL within `size`, and holds what names of sysfs hold.
bool IsName(const char* text, size_t size) {
  const size_t length = strnlen(text, size);
  if (length == 0 || length == size) return false;
  if (strcmp(text, ".") == 0 || strcmp(text, "..") == 0) return false;
  for (size_t i = 0; i < length; ++i) {
    if (isgraph(static_cast<unsigned char>(text[i])) == 0 || text[i] == '/') return false;
  }
  return true;
}

int SetDevice(int root, const WriteRequest& request) {
  if (!IsName(request.bus, sizeof request.bus) || !IsName(request.name, sizeof request.name) ||
      request.value > 1) {
    return EINVAL;
  }
  char path[192];
  snprintf(path, sizeof path, "sys/bus/%s/devices/%s/online", request.bus, request.name);
  return WriteFile(root, path, request.value == 1 ? "1\n" : "0\n");
}

int SetDriver(int root, const WriteRequest& request) {
  if (!IsName(request.name, kMaxDriverName + 1) || request.value > 1) return EINVAL;
  return WriteFile(root,
                   request.value == 1 ? "sys/kernel/hotplugger/enable_driver"
                                      : "sys/kernel/hotplugger/disable_driver",
                   request.name);
}

// Whether `path` lies below sys/ or proc/ and has no name that leads elsewhere. The patterns are
// the agent's; this holds whatever they are.
bool IsKnobPath(const char* path) {
  if (strncmp(path, "sys/", 4) != 0 && strncmp(path, "proc/", 5) != 0) return false;
  return strstr(path, "//") == nullptr && strstr(path, "/../") == nullptr &&
         strstr(path, "/./") == nullptr;
}

int SetKnob(const WriteScope& scope, const WriteRequest& request) {
  const size_t length = strnlen(request.text, sizeof request.text);
  if (strnlen(request.path, sizeof request.path) == sizeof request.path || length == 0 ||
      length == sizeof request.text || !IsKnobPath(request.path)) {
    return EINVAL;
  }
  for (const char* const* knob = scope.knobs; knob != nullptr && *knob != nullptr; ++knob) {
    if (fnmatch(*knob, request.path, FNM_PATHNAME | FNM_PERIOD) != 0) continue;
    char value[sizeof request.text + 1];
    snprintf(value, sizeof value, "%s\n", request.text);
    return WriteFile(scope.root, request.path, value);
  }
  return EACCES;
}

// Does nothing: that it came is what ends a write (EINTR).
void Aborted(int /*signal*/) {}

}  // namespace

void PrepareSignals() {
  struct sigaction action = {};
  action.sa_handler = &Aborted;  // without SA_RESTART
  sigemptyset(&action.sa_mask);
  sigaction(kAbortSignal, &action, nullptr);
  // Any other signal would abort a memory offline too (kernel 8, row 31).
  sigset_t blocked;
  sigfillset(&blocked);
  sigdelset(&blocked, kAbortSignal);
  sigdelset(&blocked, SIGTERM);
  sigprocmask(SIG_SETMASK, &blocked, nullptr);
}

int CarryOut(const WriteScope& scope, const WriteRequest& request) {
  const int root = scope.root;
  switch (request.act) {
    case WriteAct::kCpuOnline:
      return SetCpu(root, request);
    case WriteAct::kKernelDriver:
      return SetDriver(root, request);
    case WriteAct::kMemoryState:
      return SetMemory(root, request);
    case WriteAct::kSmtControl:
      return SetSmt(root, request);
    case WriteAct::kDeviceOnline:
      return SetDevice(root, request);
    case WriteAct::kKnob:
      return SetKnob(scope, request);
  }
  return EINVAL;
}

int ServeWrites(int socket, const WriteScope& scope) {
  for (;;) {
    WriteRequest request = {};
    const ssize_t got = recv(socket, &request, sizeof request, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got == 0) return 0;
    if (got != sizeof request) return 1;
    WriteReply reply = {};
    reply.sequence = request.sequence;
    reply.error_number = CarryOut(scope, request);
    if (send(socket, &reply, sizeof reply, MSG_NOSIGNAL) != sizeof reply) return 1;
  }
}

}  // namespace hotplugger::agent
