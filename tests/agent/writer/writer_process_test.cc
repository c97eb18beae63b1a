#include "agent/writer/writer_process.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "absl/time/clock.h"
#include "common/error_info.h"
#include "tests/fakes/temp_dir.h"

namespace hotplugger::agent {
namespace {

using ::testing::HasSubstr;
using testing::TempDir;

constexpr char kOnline[] = "devices/system/cpu/cpu1/online";

absl::Time Soon() { return absl::Now() + absl::Seconds(20); }

// The real program on a tree of plain files.
class WriterProcessTest : public ::testing::Test {
 protected:
  WriterProcessTest() {
    dir_.Write(kOnline, "");
    writer_ =
        *WriterProcess::Create(std::string(HOTPLUGGER_BIN_DIR) + "/hotplugger-writer", dir_.path());
  }

  // Makes cpu1's file one that blocks its writer until somebody reads, like a kernel that is stuck.
  void BlockCpu1() {
    dir_.Remove(kOnline);
    ASSERT_EQ(mkfifo(dir_.Path(kOnline).c_str(), 0600), 0);
  }

  TempDir dir_;
  std::unique_ptr<WriterProcess> writer_;
};

TEST_F(WriterProcessTest, CarriesOutAnAct) {
  EXPECT_EQ(*writer_->SetCpuOnline(1, false, Soon()), 0);
  EXPECT_EQ(dir_.Read(kOnline), "0\n");
}

TEST_F(WriterProcessTest, AnswersTheKernelsErrno) {
  EXPECT_EQ(*writer_->SetCpuOnline(7, false, Soon()), ENOENT);
  EXPECT_EQ(*writer_->SetKernelDriver("alucard", true, Soon()), ENOENT);
}

TEST_F(WriterProcessTest, ADeadIdleWriterIsReplaced) {
  const pid_t first = writer_->pid();
  kill(first, SIGKILL);
  EXPECT_TRUE(writer_->SetCpuOnline(1, true, Soon()).ok() ||
              writer_->SetCpuOnline(1, true, Soon()).ok());
  EXPECT_NE(writer_->pid(), first);
  EXPECT_EQ(dir_.Read(kOnline), "1\n");
}

TEST_F(WriterProcessTest, AnAnswerThatDoesNotComeIsStuckAndBlocksTheQueue) {
  BlockCpu1();
  const auto stuck = writer_->SetCpuOnline(1, false, absl::Now() + absl::Milliseconds(100));
  EXPECT_EQ(ErrorReason(stuck.status()), "STUCK");
  const auto blocked = writer_->SetCpuOnline(2, false, Soon());
  EXPECT_EQ(ErrorReason(blocked.status()), "QUEUE_BLOCKED");
  EXPECT_THAT(std::string(blocked.status().message()), HasSubstr("cpu1"));
}

TEST_F(WriterProcessTest, KillingAStuckWriterFreesTheQueue) {
  BlockCpu1();
  EXPECT_FALSE(writer_->SetCpuOnline(1, false, absl::Now() + absl::Milliseconds(100)).ok());
  const pid_t stuck = writer_->pid();
  kill(stuck, SIGKILL);
  // The kernel reports the death as soon as it is through; each try answers at once.
  absl::StatusOr<int> answer = absl::UnknownError("not tried");
  const absl::Time give_up = Soon();
  do {
    answer = writer_->SetCpuOnline(2, false, Soon());
  } while (ErrorReason(answer.status()) == "QUEUE_BLOCKED" && absl::Now() < give_up);
  EXPECT_EQ(*answer, ENOENT);
  EXPECT_NE(writer_->pid(), stuck);
}

TEST_F(WriterProcessTest, NoWriterOutlivesItsOwner) {
  BlockCpu1();
  EXPECT_FALSE(writer_->SetCpuOnline(1, false, absl::Now() + absl::Milliseconds(100)).ok());
  const pid_t pid = writer_->pid();
  writer_.reset();
  EXPECT_EQ(kill(pid, 0), -1);
}

TEST(WriterProcessCreateTest, AMissingProgramIsNamed) {
  TempDir dir;
  const auto writer = WriterProcess::Create("/nonexistent/hotplugger-writer", dir.path());
  ASSERT_FALSE(writer.ok());
  EXPECT_THAT(std::string(writer.status().message()), HasSubstr("/nonexistent/hotplugger-writer"));
}

}  // namespace
}  // namespace hotplugger::agent
