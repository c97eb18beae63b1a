#include "agent/writer/writer_process.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <iterator>
#include <memory>
#include <string>
#include <thread>

#include "agent/devices/rules/device_name.h"
#include "common/clock.h"
#include "common/error_info.h"
#include "tests/fakes/temp_dir.h"

namespace hotplugger::agent {
namespace {

using ::testing::HasSubstr;
using testing::TempDir;

constexpr char kOnline[] = "sys/devices/system/cpu/cpu1/online";

constexpr char kState[] = "sys/devices/system/memory/memory32/state";

// How many descriptors a process has.
size_t Descriptors(const std::string& process) {
  const std::filesystem::directory_iterator entries("/proc/" + process + "/fd");
  return static_cast<size_t>(std::distance(begin(entries), end(entries)));
}

// A pipe with a reader that never reads and no room: who writes to it waits.
class FullPipe {
 public:
  explicit FullPipe(const std::string& path) {
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    EXPECT_EQ(mkfifo(path.c_str(), 0600), 0);
    fd_ = open(path.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC);
    const std::string page(4096, ' ');
    while (write(fd_, page.data(), page.size()) > 0) continue;
    watch_ = inotify_init1(IN_CLOEXEC);
    EXPECT_GE(inotify_add_watch(watch_, path.c_str(), IN_OPEN), 0);
  }
  ~FullPipe() {
    close(watch_);
    close(fd_);
  }
  FullPipe(const FullPipe&) = delete;
  FullPipe& operator=(const FullPipe&) = delete;

  // Makes room.
  void Drain() const {
    char page[4096];
    while (read(fd_, page, sizeof page) > 0) continue;
  }

  // Until somebody has opened it.
  void AwaitOpen() const {
    inotify_event event;
    EXPECT_GT(read(watch_, &event, sizeof event), 0);
  }

 private:
  int fd_ = -1;
  int watch_ = -1;
};

absl::Time Soon() { return SteadyNow() + absl::Seconds(20); }

// The real program on a tree of plain files.
class WriterProcessTest : public ::testing::Test {
 protected:
  WriterProcessTest() {
    dir_.Write(kOnline, "");
    writer_ = Create();
  }

  std::unique_ptr<WriterProcess> Create(WriterProcess::Patience patience = {}) {
    return *WriterProcess::Create(std::string(HOTPLUGGER_BIN_DIR) + "/hotplugger-writer",
                                  dir_.path(), patience);
  }

  absl::StatusOr<KernelWriter::Answer> SetCpu(int cpu, bool online, absl::Time deadline) {
    return writer_->Change({CpuDevice(cpu), online}, deadline);
  }

  // Makes a file one that blocks its writer until somebody reads, like a kernel that is stuck.
  void MakePipe(const std::string& file) {
    dir_.Write(file, "");
    dir_.Remove(file);
    ASSERT_EQ(mkfifo(dir_.Path(file).c_str(), 0600), 0);
  }
  void BlockCpu1() { MakePipe(kOnline); }

  TempDir dir_;
  std::unique_ptr<WriterProcess> writer_;
};

TEST_F(WriterProcessTest, CarriesOutAnAct) {
  EXPECT_EQ(SetCpu(1, false, Soon())->error_number, 0);
  EXPECT_EQ(dir_.Read(kOnline), "0\n");
}

TEST_F(WriterProcessTest, AnswersTheKernelsErrno) {
  EXPECT_EQ(SetCpu(7, false, Soon())->error_number, ENOENT);
  EXPECT_EQ(*writer_->SetKernelDriver("alucard", true, Soon()), ENOENT);
}

TEST_F(WriterProcessTest, WritesTheKnobsThatItWasLastAllowed) {
  dir_.Write("sys/module/a/enabled", "0\n");
  const auto set = [this] { return *writer_->SetKnob("sys/module/a/enabled", "Y", Soon()); };
  EXPECT_EQ(set(), EACCES);
  writer_->AllowKnobs({"sys/module/b/enabled", "sys/module/a/*"});
  EXPECT_EQ(set(), 0);
  EXPECT_EQ(dir_.Read("sys/module/a/enabled"), "Y\n");
  const pid_t pid = writer_->pid();
  writer_->AllowKnobs({"sys/module/b/enabled", "sys/module/a/*"});
  EXPECT_EQ(writer_->pid(), pid) << "nothing new, so nothing is restarted";
  writer_->AllowKnobs({});
  EXPECT_EQ(set(), EACCES);
}

TEST_F(WriterProcessTest, KnobsAllowedWhileAnActIsStuckCountOnceItIsOver) {
  dir_.Write("sys/module/a/enabled", "0\n");
  const FullPipe pipe(dir_.Path("sys/devices/system/cpu/cpu2/online"));
  EXPECT_FALSE(SetCpu(2, false, SteadyNow() + absl::Milliseconds(50)).ok());
  writer_->AllowKnobs({"sys/module/a/enabled"});
  pipe.Drain();
  EXPECT_EQ(SetCpu(1, false, Soon())->error_number, 0);
  EXPECT_EQ(*writer_->SetKnob("sys/module/a/enabled", "1", Soon()), 0);
}

TEST_F(WriterProcessTest, ALongKnobIsRefusedBeforeItIsSent) {
  EXPECT_FALSE(writer_->SetKnob("sys/" + std::string(192, 'x'), "1", Soon()).ok());
  EXPECT_FALSE(writer_->SetKnob("sys/a", std::string(64, '1'), Soon()).ok());
}

TEST_F(WriterProcessTest, ADeadIdleWriterIsReplaced) {
  const pid_t first = writer_->pid();
  kill(first, SIGKILL);
  EXPECT_TRUE(SetCpu(1, true, Soon()).ok() || SetCpu(1, true, Soon()).ok());
  EXPECT_NE(writer_->pid(), first);
  EXPECT_EQ(dir_.Read(kOnline), "1\n");
}

TEST_F(WriterProcessTest, AnAnswerThatDoesNotComeIsStuckAndBlocksTheQueue) {
  BlockCpu1();
  const auto stuck = SetCpu(1, false, SteadyNow() + absl::Milliseconds(100));
  EXPECT_EQ(ErrorReason(stuck.status()), "STUCK");
  EXPECT_THAT(std::string(stuck.status().message()), HasSubstr("wait for it as long as they may"));
  const auto blocked = SetCpu(2, false, SteadyNow() + absl::Milliseconds(100));
  EXPECT_EQ(ErrorReason(blocked.status()), "QUEUE_BLOCKED");
  EXPECT_THAT(std::string(blocked.status().message()), HasSubstr("cpu1"));
}

TEST_F(WriterProcessTest, TheNextActWaitsForOneThatIsStuck) {
  const FullPipe pipe(dir_.Path("sys/devices/system/cpu/cpu2/online"));
  EXPECT_FALSE(SetCpu(2, false, SteadyNow() + absl::Milliseconds(50)).ok());
  absl::StatusOr<KernelWriter::Answer> answer;
  std::thread next([&] { answer = SetCpu(1, false, Soon()); });
  pipe.Drain();
  next.join();
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->error_number, 0);
}

// Whatever many there are: a group's undo, say.
TEST_F(WriterProcessTest, ActsWaitNoLongerForOneThatIsStuckForGood) {
  writer_ = Create({.stuck = absl::ZeroDuration()});
  BlockCpu1();
  EXPECT_FALSE(SetCpu(1, false, SteadyNow() + absl::Milliseconds(50)).ok());
  const absl::Time began = SteadyNow();
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(ErrorReason(SetCpu(2, false, Soon()).status()), "QUEUE_BLOCKED");
  }
  EXPECT_LT(SteadyNow() - began, absl::Seconds(20)) << "the time of one";
}

TEST_F(WriterProcessTest, NothingIsWrittenAfterItsDeadline) {
  const auto late = SetCpu(1, false, SteadyNow());
  EXPECT_EQ(late.status().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(ErrorReason(late.status()), "DEADLINE_PASSED");
  EXPECT_EQ(SetCpu(7, false, Soon())->error_number, ENOENT) << "nothing is stuck";
  EXPECT_EQ(dir_.Read(kOnline), "");
}

// A driver's file whose kernel waits in a way that signals end, as most do.
TEST_F(WriterProcessTest, AKnobThatHangsIsAbortedByItsDeadlineAndTheQueueIsFree) {
  const FullPipe pipe(dir_.Path("sys/module/a/enabled"));
  writer_->AllowKnobs({"sys/module/a/enabled"});
  const auto aborted =
      writer_->SetKnob("sys/module/a/enabled", "1", SteadyNow() + absl::Seconds(2));
  EXPECT_EQ(ErrorReason(aborted.status()), "WRITE_ABORTED") << aborted.status();
  EXPECT_EQ(aborted.status().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(SetCpu(1, false, Soon())->error_number, 0);
}

TEST_F(WriterProcessTest, SoIsADriverOfTheKernelsOwn) {
  const FullPipe pipe(dir_.Path("sys/kernel/hotplugger/enable_driver"));
  const auto aborted = writer_->SetKernelDriver("alucard", true, SteadyNow() + absl::Seconds(2));
  EXPECT_EQ(ErrorReason(aborted.status()), "WRITE_ABORTED") << aborted.status();
}

TEST_F(WriterProcessTest, KillingAStuckWriterFreesTheQueue) {
  BlockCpu1();
  EXPECT_FALSE(SetCpu(1, false, SteadyNow() + absl::Milliseconds(100)).ok());
  const pid_t stuck = writer_->pid();
  kill(stuck, SIGKILL);
  dir_.Remove(kOnline);
  EXPECT_EQ(SetCpu(1, false, Soon())->error_number, ENOENT);
  EXPECT_NE(writer_->pid(), stuck);
}

TEST_F(WriterProcessTest, NoWriterOutlivesItsOwner) {
  BlockCpu1();
  EXPECT_FALSE(SetCpu(1, false, SteadyNow() + absl::Milliseconds(100)).ok());
  const pid_t pid = writer_->pid();
  writer_.reset();
  EXPECT_EQ(kill(pid, 0), -1);
}

TEST_F(WriterProcessTest, WritesEachKindToItsFile) {
  const std::string block = "sys/devices/system/memory/memory32/state";
  const std::string smt = "sys/devices/system/cpu/smt/control";
  const std::string container = "sys/bus/container/devices/PNP0A06:00/online";
  for (const std::string& file : {block, smt, container}) dir_.Write(file, "");
  const auto change = [this](const std::string& device, bool online, v1::MemoryZone zone = {}) {
    return writer_->Change({*ParseDeviceName(device), online, zone}, Soon())->error_number;
  };
  EXPECT_EQ(change("memory32", false), 0);
  EXPECT_EQ(dir_.Read(block), "offline\n");
  EXPECT_EQ(change("memory32", true, v1::MEMORY_ZONE_MOVABLE), 0);
  EXPECT_EQ(dir_.Read(block), "online_movable\n");
  EXPECT_EQ(change("container/PNP0A06:00", false), 0);
  EXPECT_EQ(dir_.Read(container), "0\n");
  EXPECT_EQ(writer_->SetSmt({.control = v1::SMT_CONTROL_FORCEOFF}, Soon())->error_number, 0);
  EXPECT_EQ(dir_.Read(smt), "forceoff\n");
  // A file of sysfs takes each write whole; this one keeps what is not written over.
  dir_.Write(smt, "");
  EXPECT_EQ(writer_->SetSmt({.control = v1::SMT_CONTROL_PARTIAL, .threads_per_core = 2}, Soon())
                ->error_number,
            0);
  EXPECT_EQ(dir_.Read(smt), "2\n");
}

// One that can't be told to end is reported; once it ends by itself, the queue is free.
TEST_F(WriterProcessTest, AMemoryOfflineThatNoSignalEndsIsStuck) {
  writer_ = Create({.abort = absl::Milliseconds(250)});
  dir_.Write(kState, "");
  const pid_t pid = writer_->pid();
  ASSERT_EQ(kill(pid, SIGSTOP), 0);
  const auto stuck =
      writer_->Change({MemoryDevice(32), false}, SteadyNow() + absl::Milliseconds(20));
  EXPECT_EQ(ErrorReason(stuck.status()), "STUCK");
  EXPECT_EQ(ErrorReason(SetCpu(1, false, SteadyNow() + absl::Milliseconds(50)).status()),
            "QUEUE_BLOCKED");
  ASSERT_EQ(kill(pid, SIGCONT), 0);
  EXPECT_EQ(SetCpu(1, false, Soon())->error_number, 0);
  EXPECT_EQ(dir_.Read(kOnline), "0\n");
  EXPECT_EQ(dir_.Read(kState), "offline\n");
  EXPECT_EQ(writer_->pid(), pid);
}

// A deadline that is over before the writer has really started aborts the act, not the writer.
TEST_F(WriterProcessTest, AnEarlyAbortDoesNotKillTheWriter) {
  MakePipe(kState);
  for (int i = 0; i < 20; ++i) {
    writer_ = Create();
    const auto aborted =
        writer_->Change({MemoryDevice(32), false}, SteadyNow() + absl::Milliseconds(1));
    // A machine that is busy may not even begin.
    if (ErrorReason(aborted.status()) == "DEADLINE_PASSED") continue;
    ASSERT_TRUE(aborted.ok()) << aborted.status();
    EXPECT_EQ(aborted->error_number, EINTR);
  }
}

// The write itself is interrupted, not only the opening.
TEST_F(WriterProcessTest, AWriteUnderWayIsAborted) {
  const FullPipe pipe(dir_.Path(kState));
  const auto aborted =
      writer_->Change({MemoryDevice(32), false}, SteadyNow() + absl::Milliseconds(50));
  ASSERT_TRUE(aborted.ok()) << aborted.status();
  EXPECT_EQ(aborted->error_number, EINTR);
  EXPECT_TRUE(aborted->aborted);
}

// kernel 8, row 31: a profiler's or terminal's signal would abort a memory offline too.
TEST_F(WriterProcessTest, NoOtherSignalEndsAWrite) {
  FullPipe pipe(dir_.Path(kState));
  const pid_t pid = writer_->pid();
  absl::StatusOr<KernelWriter::Answer> answer;
  std::thread asker([&] { answer = writer_->Change({MemoryDevice(32), false}, Soon()); });
  pipe.AwaitOpen();
  for (const int signal : {SIGALRM, SIGPROF, SIGINT, SIGHUP, SIGPIPE, SIGUSR2}) kill(pid, signal);
  pipe.Drain();
  asker.join();
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->error_number, 0);
  EXPECT_FALSE(answer->aborted);
}

TEST_F(WriterProcessTest, AWriterKilledInAWriteIsNamedAndReplaced) {
  FullPipe pipe(dir_.Path(kState));
  const pid_t killed = writer_->pid();
  std::thread killer([&] {
    pipe.AwaitOpen();
    kill(killed, SIGKILL);
  });
  const auto ended = writer_->Change({MemoryDevice(32), false}, Soon());
  killer.join();
  EXPECT_EQ(ErrorReason(ended.status()), "WRITER_ENDED");
  EXPECT_THAT(std::string(ended.status().message()), HasSubstr("killed by signal 9"));
  EXPECT_EQ(SetCpu(1, false, Soon())->error_number, 0);
  EXPECT_NE(writer_->pid(), killed);
}

// However the agent ends: here in the middle of a write, without a destructor.
TEST_F(WriterProcessTest, AWriterEndsWithItsAgent) {
  writer_.reset();
  MakePipe(kState);
  int pids[2];
  ASSERT_EQ(pipe(pids), 0);
  prctl(PR_SET_CHILD_SUBREAPER, 1);  // so that the orphan can be waited for
  const pid_t agent = fork();
  if (agent == 0) {
    auto writer =
        *WriterProcess::Create(std::string(HOTPLUGGER_BIN_DIR) + "/hotplugger-writer", dir_.path());
    const pid_t pid = writer->pid();
    const bool told = write(pids[1], &pid, sizeof pid) == sizeof pid;
    // Not abortable, so it goes on.
    writer->Change({MemoryDevice(32), true}, SteadyNow() + absl::Milliseconds(50)).IgnoreError();
    _exit(told ? 0 : 1);
  }
  pid_t writer = 0;
  ASSERT_EQ(read(pids[0], &writer, sizeof writer), ssize_t{sizeof writer});
  EXPECT_EQ(waitpid(agent, nullptr, 0), agent);
  EXPECT_EQ(waitpid(writer, nullptr, 0), writer);
  prctl(PR_SET_CHILD_SUBREAPER, 0);
  close(pids[0]);
  close(pids[1]);
}

TEST_F(WriterProcessTest, LeaksNoDescriptorAndNoProcess) {
  writer_.reset();
  const size_t before = Descriptors("self");
  for (int i = 0; i < 5; ++i) {
    auto writer =
        *WriterProcess::Create(std::string(HOTPLUGGER_BIN_DIR) + "/hotplugger-writer", dir_.path());
    kill(writer->pid(), SIGKILL);
    while (!writer->Change({CpuDevice(1), true}, Soon()).ok()) continue;
  }
  EXPECT_EQ(Descriptors("self"), before);
  EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1);
  EXPECT_EQ(errno, ECHILD);
}

// The writer is the one that runs as root: nothing of the agent's is its business.
TEST_F(WriterProcessTest, TheWriterInheritsNoDescriptor) {
  EXPECT_EQ(SetCpu(1, true, Soon())->error_number, 0);
  const size_t before = Descriptors(std::to_string(writer_->pid()));
  const int inheritable = open(dir_.path().c_str(), O_RDONLY | O_DIRECTORY);
  writer_ =
      *WriterProcess::Create(std::string(HOTPLUGGER_BIN_DIR) + "/hotplugger-writer", dir_.path());
  EXPECT_EQ(SetCpu(1, true, Soon())->error_number, 0);
  EXPECT_EQ(Descriptors(std::to_string(writer_->pid())), before);
  close(inheritable);
}

// A write that would go on for ever: here to a pipe that nobody reads, there in the kernel.
TEST_F(WriterProcessTest, AMemoryOfflinePastItsDeadlineIsAborted) {
  MakePipe(kState);
  const auto aborted =
      writer_->Change({MemoryDevice(32), false}, SteadyNow() + absl::Milliseconds(50));
  ASSERT_TRUE(aborted.ok()) << aborted.status();
  EXPECT_EQ(aborted->error_number, EINTR);
  EXPECT_TRUE(aborted->aborted);
  // The same writer goes on.
  const pid_t pid = writer_->pid();
  EXPECT_EQ(SetCpu(1, false, Soon())->error_number, 0);
  EXPECT_EQ(writer_->pid(), pid);
}

TEST_F(WriterProcessTest, BringingMemoryOnlineIsNeverAborted) {
  MakePipe(kState);
  const auto stuck =
      writer_->Change({MemoryDevice(32), true}, SteadyNow() + absl::Milliseconds(50));
  EXPECT_EQ(ErrorReason(stuck.status()), "STUCK");
}

TEST(WriterProcessCreateTest, AMissingProgramIsNamed) {
  TempDir dir;
  const auto writer = WriterProcess::Create("/nonexistent/hotplugger-writer", dir.path());
  ASSERT_FALSE(writer.ok());
  EXPECT_THAT(std::string(writer.status().message()), HasSubstr("/nonexistent/hotplugger-writer"));
}

}  // namespace
}  // namespace hotplugger::agent
