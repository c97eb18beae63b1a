// An agent that dies while it saves, at each of its system calls.
#include <gtest/gtest.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "absl/strings/str_cat.h"
#include "agent/reconcile/state_file.h"
#include "tests/fakes/temp_dir.h"

namespace hotplugger::agent {
namespace {

using From = StateStore::Loaded::From;

v1::AgentState StateWithEpoch(uint64_t epoch) {
  v1::AgentState state;
  state.set_largest_epoch(epoch);
  return state;
}

enum class End { kKilled, kDone, kUntraceable };

// Saves `epoch` in a process of its own that dies at the `stop`th beginning or end of a system
// call.
End SaveAndKill(StateFile& file, uint64_t epoch, int stop) {
  const pid_t child = fork();
  if (child == 0) {
    if (ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) _exit(2);
    raise(SIGSTOP);
    _exit(file.Save(StateWithEpoch(epoch)).ok() ? 0 : 1);
  }
  int status = 0;
  for (int stops = 0; waitpid(child, &status, 0) == child && WIFSTOPPED(status); ++stops) {
    if (stops == stop) {
      kill(child, SIGKILL);
      waitpid(child, &status, 0);
      return End::kKilled;
    }
    ptrace(PTRACE_SYSCALL, child, nullptr, nullptr);
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 2) return End::kUntraceable;
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
  return End::kDone;
}

TEST(StateFileKillTest, AtEveryInstantThereIsTheOldStateOrTheNewOneAndOneBeforeIt) {
  const testing::TempDir dir;
  auto file = *StateFile::Open(dir.path());
  uint64_t last = 2;
  for (const uint64_t epoch : {last - 1, last}) ASSERT_TRUE(file->Save(StateWithEpoch(epoch)).ok());
  bool saved = false;
  bool lost = false;
  int stop = 0;
  for (End end = End::kKilled; end != End::kDone;) {
    SCOPED_TRACE(absl::StrCat("killed at stop ", ++stop));
    end = SaveAndKill(*file, last + 1, stop);
    if (end == End::kUntraceable) GTEST_SKIP() << "this machine forbids ptrace";
    const auto loaded = file->Load();
    ASSERT_TRUE(loaded.ok()) << loaded.status();
    ASSERT_EQ(loaded->from, From::kLatest) << loaded->damage;
    const uint64_t now = loaded->state.largest_epoch();
    ASSERT_TRUE(now == last || now == last + 1) << now;
    (now == last ? lost : saved) = true;
    ASSERT_TRUE(end == End::kKilled || now == last + 1);
    // A copy, so that what is looked at here changes nothing.
    const testing::TempDir copy;
    copy.Write("state.previous", dir.Read("state.previous"));
    const auto previous = (*StateFile::Open(copy.path()))->Load();
    ASSERT_EQ(previous->from, From::kPrevious) << previous->damage;
    ASSERT_LE(previous->state.largest_epoch(), now);
    ASSERT_GE(previous->state.largest_epoch() + 2, now);
    last = now;
  }
  EXPECT_TRUE(saved);
  EXPECT_TRUE(lost);
  EXPECT_GT(stop, 16) << "open, write, sync, close, links, renames, sync: each begins and ends";
}

}  // namespace
}  // namespace hotplugger::agent
