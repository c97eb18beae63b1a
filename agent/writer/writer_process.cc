#include "agent/writer/writer_process.h"

#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "agent/devices/device_name.h"
#include "common/driver_rules.h"
#include "common/errno_status.h"
#include "common/error_info.h"
#include "common/log.h"
#include "common/status_macros.h"

namespace hotplugger::agent {
namespace {

// The descriptor that the program expects its socket at.
constexpr int kChildSocket = 3;

// Starts the program with `child_socket` as descriptor 3 and no signal blocked.
int Spawn(const std::string& program, const std::string& root, int child_socket, pid_t* pid) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, child_socket, kChildSocket);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  std::string program_argument = program;
  std::string root_argument = root;
  char* argv[] = {program_argument.data(), root_argument.data(), nullptr};
  const int error_number = posix_spawn(pid, program.c_str(), &actions, &attributes, argv, environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  return error_number;
}

std::string DescribeExit(int wait_status) {
  if (WIFSIGNALED(wait_status)) return absl::StrCat("killed by signal ", WTERMSIG(wait_status));
  return absl::StrCat("exited with status ", WEXITSTATUS(wait_status));
}

}  // namespace

absl::StatusOr<std::unique_ptr<WriterProcess>> WriterProcess::Create(std::string program,
                                                                     std::string root) {
  std::unique_ptr<WriterProcess> writer(new WriterProcess(std::move(program), std::move(root)));
  RETURN_IF_ERROR(writer->Start());
  return writer;
}

WriterProcess::~WriterProcess() { End(); }

absl::Status WriterProcess::Start() {
  int sockets[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) != 0) {
    return ErrnoStatus(errno, "making a socket pair for", program_);
  }
  // dup2 onto itself would keep close-on-exec, so the child's end must not be descriptor 3 already.
  int child_socket = sockets[1];
  if (child_socket == kChildSocket) child_socket = dup(sockets[1]);
  const int error_number = Spawn(program_, root_, child_socket, &pid_);
  close(sockets[1]);
  if (child_socket != sockets[1]) close(child_socket);
  if (error_number != 0) {
    close(sockets[0]);
    pid_ = -1;
    return ErrnoStatus(error_number, "starting", program_);
  }
  socket_ = sockets[0];
  return absl::OkStatus();
}

void WriterProcess::End() {
  if (socket_ >= 0) close(socket_);
  socket_ = -1;
  if (pid_ < 0) return;
  // SIGKILL: an idle writer has nothing to lose, and a stuck one must not outlive its agent. One in
  // an uninterruptible write ends when the kernel lets it; it is not waited for then.
  kill(pid_, SIGKILL);
  int wait_status = 0;
  for (int i = 0; i < 100; ++i) {
    if (waitpid(pid_, &wait_status, WNOHANG) != 0) break;
    poll(nullptr, 0, 10);
  }
  pid_ = -1;
}

absl::StatusOr<int> WriterProcess::SetCpuOnline(int cpu, bool online, absl::Time deadline) {
  WriteRequest request = {};
  request.act = WriteAct::kCpuOnline;
  request.cpu = cpu;
  request.value = online ? 1 : 0;
  return Ask(request, absl::StrCat("taking ", CpuName(cpu), online ? " online" : " offline"),
             deadline);
}

absl::StatusOr<int> WriterProcess::SetKernelDriver(absl::string_view driver, bool running,
                                                   absl::Time deadline) {
  RETURN_IF_ERROR(ValidateDriverName(driver));
  WriteRequest request = {};
  request.act = WriteAct::kKernelDriver;
  request.value = running ? 1 : 0;
  static_assert(sizeof request.driver > kMaxDriverNameLength);
  memcpy(request.driver, driver.data(), driver.size());
  return Ask(request, absl::StrCat(running ? "starting " : "stopping ", driver), deadline);
}

absl::StatusOr<int> WriterProcess::Ask(WriteRequest request, absl::string_view act,
                                       absl::Time deadline) {
  if (!stuck_act_.empty()) {
    // The late answer may be there by now; don't wait for it. (A writer killed meanwhile is
    // answered as one that ended, and the queue is free again.)
    const absl::StatusOr<int> late = AwaitReply(sequence_, stuck_act_, absl::InfinitePast());
    if (!late.ok() && late.status().code() == absl::StatusCode::kDeadlineExceeded) {
      return MakeError(absl::StatusCode::kUnavailable, "QUEUE_BLOCKED",
                       absl::StrCat("the kernel has still not answered an earlier operation, ",
                                    stuck_act_, "; until it does, this host can do no other"));
    }
    Log(LogLevel::kWarning, "a stuck operation has ended", {{"operation", stuck_act_}});
    stuck_act_.clear();
  }
  if (socket_ < 0) RETURN_IF_ERROR(Start());
  request.sequence = ++sequence_;
  if (send(socket_, &request, sizeof request, MSG_NOSIGNAL) != sizeof request) {
    // The writer died while idle: nothing was written, so a new one may try.
    End();
    RETURN_IF_ERROR(Start());
    if (send(socket_, &request, sizeof request, MSG_NOSIGNAL) != sizeof request) {
      return ErrnoStatus(errno, "writing to", program_);
    }
  }
  absl::StatusOr<int> reply = AwaitReply(request.sequence, act, deadline);
  if (!reply.ok() && reply.status().code() == absl::StatusCode::kDeadlineExceeded) {
    stuck_act_ = std::string(act);
  }
  return reply;
}

absl::StatusOr<int> WriterProcess::AwaitReply(uint64_t sequence, absl::string_view act,
                                              absl::Time deadline) {
  for (;;) {
    const int64_t left_ms =
        deadline == absl::InfinitePast()
            ? 0
            : std::clamp<int64_t>(absl::ToInt64Milliseconds(deadline - absl::Now()), 0, 3'600'000);
    pollfd readable = {socket_, POLLIN, 0};
    const int ready = poll(&readable, 1, static_cast<int>(left_ms));
    if (ready < 0 && errno == EINTR) continue;
    if (ready == 0) {
      return MakeError(absl::StatusCode::kDeadlineExceeded, "STUCK",
                       absl::StrCat(act,
                                    " has had no answer from the kernel by its deadline and "
                                    "can't be aborted; later operations on this host wait "
                                    "until it ends"));
    }
    WriteReply reply = {};
    const ssize_t got = recv(socket_, &reply, sizeof reply, MSG_DONTWAIT);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (got != sizeof reply) {
      // The other end is closed. A moment for the exit status; End sees to one that lingers.
      int wait_status = 0;
      bool reaped = false;
      for (int i = 0; i < 100 && !reaped; ++i) {
        reaped = waitpid(pid_, &wait_status, WNOHANG) == pid_;
        if (!reaped) poll(nullptr, 0, 10);
      }
      if (reaped) pid_ = -1;
      End();
      return MakeError(
          absl::StatusCode::kUnavailable, "WRITER_ENDED",
          absl::StrCat(program_, " ", reaped ? DescribeExit(wait_status) : std::string("ended"),
                       " while ", act,
                       "; whether it took effect shows in the "
                       "device's state"));
    }
    if (reply.sequence == sequence) return reply.error_number;
  }
}

}  // namespace hotplugger::agent
