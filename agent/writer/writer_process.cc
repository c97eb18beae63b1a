#include "agent/writer/writer_process.h"

#include <fcntl.h>
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
#include "agent/devices/rules/device_name.h"
#include "common/clock.h"
#include "common/driver_rules.h"
#include "common/errno_status.h"
#include "common/error_info.h"
#include "common/log.h"
#include "common/status_macros.h"

namespace hotplugger::agent {
namespace {

// How often a write is told to end.
constexpr absl::Duration kAbortInterval = absl::Milliseconds(100);

// How long before its deadline at most; see Abort::kBeforeDeadline.
constexpr absl::Duration kAbortTime = absl::Milliseconds(300);

// The descriptor that the program expects its socket at.
constexpr int kChildSocket = 3;

// Starts the program with `child_socket` as descriptor 3, none above it, and all signals blocked:
// an abort that comes before the program is ready for it must not kill it.
int Spawn(const std::string& program, const std::string& root,
          const std::vector<std::string>& knobs, int child_socket, pid_t* pid) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, child_socket, kChildSocket);
  posix_spawn_file_actions_addclosefrom_np(&actions, kChildSocket + 1);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t all;
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &all);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  std::vector<std::string> arguments = {program, root};
  arguments.insert(arguments.end(), knobs.begin(), knobs.end());
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  const int error_number =
      posix_spawn(pid, program.c_str(), &actions, &attributes, argv.data(), environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  return error_number;
}

MemoryWord WordOf(const DeviceChange& change) {
  if (!change.online) return MemoryWord::kOffline;
  if (change.zone == v1::MEMORY_ZONE_KERNEL) return MemoryWord::kOnlineKernel;
  if (change.zone == v1::MEMORY_ZONE_MOVABLE) return MemoryWord::kOnlineMovable;
  return MemoryWord::kOnline;
}

// Names are checked before they get here; this is for the buffer's sake.
absl::Status CopyName(absl::string_view name, char* buffer, size_t size) {
  if (name.empty() || name.size() >= size) {
    return MakeError(absl::StatusCode::kInvalidArgument, "BAD_NAME",
                     absl::StrCat("a name of ", name.size(),
                                  " bytes can't be passed to the writer; "
                                  "1 to ",
                                  size - 1, " can"));
  }
  memcpy(buffer, name.data(), name.size());
  buffer[name.size()] = 0;
  return absl::OkStatus();
}

// For poll: at most an hour.
int MillisecondsUntil(absl::Time deadline) {
  if (deadline == absl::InfinitePast()) return 0;
  const int64_t left = absl::ToInt64Milliseconds(deadline - SteadyNow());
  return static_cast<int>(std::clamp<int64_t>(left, 0, 3'600'000));
}

std::string DescribeExit(int wait_status) {
  if (WIFSIGNALED(wait_status)) return absl::StrCat("killed by signal ", WTERMSIG(wait_status));
  return absl::StrCat("exited with status ", WEXITSTATUS(wait_status));
}

}  // namespace

absl::StatusOr<std::unique_ptr<WriterProcess>> WriterProcess::Create(std::string program,
                                                                     std::string root,
                                                                     Patience patience) {
  std::unique_ptr<WriterProcess> writer(
      new WriterProcess(std::move(program), std::move(root), patience));
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
  if (child_socket == kChildSocket) {
    child_socket = fcntl(sockets[1], F_DUPFD_CLOEXEC, kChildSocket + 1);
  }
  knobs_changed_ = false;
  const int error_number = Spawn(program_, root_, knobs_, child_socket, &pid_);
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

absl::StatusOr<KernelWriter::Answer> WriterProcess::Change(const DeviceChange& change,
                                                           absl::Time deadline) {
  WriteRequest request = {};
  request.number = change.device.number;
  request.value = change.online ? 1 : 0;
  Abort abort = Abort::kNever;
  switch (change.device.kind) {
    case v1::DEVICE_KIND_CPU:
      request.act = WriteAct::kCpuOnline;
      break;
    case v1::DEVICE_KIND_MEMORY:
      request.act = WriteAct::kMemoryState;
      request.value = static_cast<uint32_t>(WordOf(change));
      if (!change.online) abort = Abort::kAfterDeadline;
      break;
    default:
      request.act = WriteAct::kDeviceOnline;
      RETURN_IF_ERROR(CopyName(change.device.bus, request.bus, sizeof request.bus));
      RETURN_IF_ERROR(CopyName(change.device.name, request.name, sizeof request.name));
  }
  return Ask(request,
             absl::StrCat("taking ", FormatDeviceName(change.device),
                          change.online ? " online" : " offline"),
             deadline, abort);
}

absl::StatusOr<KernelWriter::Answer> WriterProcess::SetSmt(const SmtChange& change,
                                                           absl::Time deadline) {
  WriteRequest request = {};
  request.act = WriteAct::kSmtControl;
  request.number = change.threads_per_core;
  switch (change.control) {
    case v1::SMT_CONTROL_ON:
      request.value = static_cast<uint32_t>(SmtWord::kOn);
      break;
    case v1::SMT_CONTROL_OFF:
      request.value = static_cast<uint32_t>(SmtWord::kOff);
      break;
    case v1::SMT_CONTROL_FORCEOFF:
      request.value = static_cast<uint32_t>(SmtWord::kForceOff);
      break;
    case v1::SMT_CONTROL_PARTIAL:
      request.value = static_cast<uint32_t>(SmtWord::kThreads);
      break;
    default:
      return MakeError(absl::StatusCode::kInvalidArgument, "BAD_SMT_CONTROL",
                       absl::StrCat(v1::SmtControl_Name(change.control), " can't be written"));
  }
  return Ask(request, "setting SMT", deadline, Abort::kNever);
}

absl::StatusOr<int> WriterProcess::SetKernelDriver(absl::string_view driver, bool running,
                                                   absl::Time deadline) {
  RETURN_IF_ERROR(ValidateDriverName(driver));
  WriteRequest request = {};
  request.act = WriteAct::kKernelDriver;
  request.value = running ? 1 : 0;
  RETURN_IF_ERROR(CopyName(driver, request.name, sizeof request.name));
  return AskDriver(request, absl::StrCat(running ? "starting " : "stopping ", driver), deadline);
}

absl::StatusOr<int> WriterProcess::SetKnob(const std::string& path, const std::string& value,
                                           absl::Time deadline) {
  WriteRequest request = {};
  request.act = WriteAct::kKnob;
  RETURN_IF_ERROR(CopyName(path, request.path, sizeof request.path));
  RETURN_IF_ERROR(CopyName(value, request.text, sizeof request.text));
  return AskDriver(request, absl::StrCat("writing ", value, " to ", path), deadline);
}

absl::StatusOr<int> WriterProcess::AskDriver(const WriteRequest& request, absl::string_view act,
                                             absl::Time deadline) {
  ASSIGN_OR_RETURN(const Answer answer, Ask(request, act, deadline, Abort::kBeforeDeadline));
  if (!answer.aborted || answer.error_number != EINTR) return answer.error_number;
  return MakeError(
      absl::StatusCode::kDeadlineExceeded, "WRITE_ABORTED",
      absl::StrCat(act, " was not done by its deadline, so it was told to end, and the ",
                   "kernel gave it up (EINTR); see the kernel's log for what it ", "waited for"),
      {{"retry", "CONDITIONAL"}});
}

void WriterProcess::AllowKnobs(std::vector<std::string> patterns) {
  if (patterns == knobs_) return;
  knobs_ = std::move(patterns);
  // One that is stuck is ended once its answer is there.
  knobs_changed_ = true;
  if (stuck_act_.empty()) End();
}

absl::Status WriterProcess::WaitForStuckAct(absl::Time deadline) {
  if (stuck_act_.empty()) return absl::OkStatus();
  // A writer killed meanwhile is answered as one that ended, and the queue is free again.
  const absl::Time give_up = std::min(deadline, stuck_since_ + patience_.stuck);
  const absl::StatusOr<int> late = stuck_abortable_
                                       ? AbortAndAwaitReply(sequence_, stuck_act_, give_up)
                                       : AwaitReply(sequence_, stuck_act_, give_up);
  if (absl::IsDeadlineExceeded(late.status())) {
    return MakeError(absl::StatusCode::kUnavailable, "QUEUE_BLOCKED",
                     absl::StrCat("the kernel has still not answered an earlier operation, ",
                                  stuck_act_, "; until it does, this host can do no other"));
  }
  Log(LogLevel::kWarning, "a stuck operation has ended", {{"operation", stuck_act_}});
  stuck_act_.clear();
  if (knobs_changed_) End();
  return absl::OkStatus();
}

absl::Status WriterProcess::Send(const WriteRequest& request) {
  if (socket_ < 0) RETURN_IF_ERROR(Start());
  if (send(socket_, &request, sizeof request, MSG_NOSIGNAL) == sizeof request) {
    return absl::OkStatus();
  }
  // The writer died while idle: nothing was written, so a new one may try.
  End();
  RETURN_IF_ERROR(Start());
  if (send(socket_, &request, sizeof request, MSG_NOSIGNAL) == sizeof request) {
    return absl::OkStatus();
  }
  return ErrnoStatus(errno, "writing to", program_);
}

absl::StatusOr<KernelWriter::Answer> WriterProcess::Ask(WriteRequest request, absl::string_view act,
                                                        absl::Time deadline, Abort abort) {
  RETURN_IF_ERROR(WaitForStuckAct(deadline));
  const absl::Time now = SteadyNow();
  if (now >= deadline) {
    return MakeError(absl::StatusCode::kDeadlineExceeded, "DEADLINE_PASSED",
                     absl::StrCat(act, " was not begun: its deadline was over before its turn"),
                     {{"retry", "TRANSIENT"}});
  }
  request.sequence = ++sequence_;
  RETURN_IF_ERROR(Send(request));
  const bool before = abort == Abort::kBeforeDeadline;
  const absl::Time abort_at =
      before ? deadline - std::min(kAbortTime, (deadline - now) / 4) : deadline;
  absl::StatusOr<int> reply = AwaitReply(request.sequence, act, abort_at);
  const bool late = absl::IsDeadlineExceeded(reply.status());
  if (late && abort != Abort::kNever) {
    reply =
        AbortAndAwaitReply(request.sequence, act, before ? deadline : deadline + patience_.abort);
  }
  if (absl::IsDeadlineExceeded(reply.status())) {
    stuck_act_ = std::string(act);
    stuck_since_ = SteadyNow();
    stuck_abortable_ = abort != Abort::kNever;
  }
  RETURN_IF_ERROR(reply.status());
  return Answer{.error_number = *reply, .aborted = late};
}

absl::StatusOr<int> WriterProcess::AbortAndAwaitReply(uint64_t sequence, absl::string_view act,
                                                      absl::Time give_up) {
  Log(LogLevel::kWarning, "an operation has not ended in time and is told to",
      {{"operation", std::string(act)}});
  absl::StatusOr<int> reply;
  do {
    // One signal can come just before the write begins, and so do nothing.
    if (pid_ > 0) kill(pid_, kAbortSignal);
    reply = AwaitReply(sequence, act, std::min(give_up, SteadyNow() + kAbortInterval));
  } while (absl::IsDeadlineExceeded(reply.status()) && SteadyNow() < give_up);
  return reply;
}

absl::StatusOr<int> WriterProcess::AwaitReply(uint64_t sequence, absl::string_view act,
                                              absl::Time deadline) {
  for (;;) {
    pollfd readable = {socket_, POLLIN, 0};
    const int ready = poll(&readable, 1, MillisecondsUntil(deadline));
    if (ready < 0 && errno == EINTR) continue;
    if (ready == 0 && SteadyNow() < deadline) continue;  // a wait of more than poll's longest
    if (ready == 0) {
      return MakeError(absl::StatusCode::kDeadlineExceeded, "STUCK",
                       absl::StrCat(act,
                                    " has had no answer from the kernel by its deadline and "
                                    "can't be aborted, so it may still be done; until it ends, "
                                    "later operations on this host wait for it as long as they "
                                    "may, then they are refused (QUEUE_BLOCKED)"),
                       {{"retry", "CONDITIONAL"}});
    }
    WriteReply reply = {};
    const ssize_t got = recv(socket_, &reply, sizeof reply, MSG_DONTWAIT);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (got != sizeof reply) return WriterEnded(act);
    if (reply.sequence == sequence) return reply.error_number;
  }
}

// The other end is closed. A moment for the exit status; End sees to one that lingers.
absl::Status WriterProcess::WriterEnded(absl::string_view act) {
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
                   " while ", act, "; whether it took effect shows in the device's state"));
}

}  // namespace hotplugger::agent
