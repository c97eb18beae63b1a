// The agent dies at every step of an operation; the next one settles what it left.
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <type_traits>
#include <vector>

#include "agent/devices/operations/group_operation.h"
#include "tests/agent/devices/operations/operations_fixture.h"

namespace hotplugger::agent {
namespace {

using testing::FakeHost;
using testing::FakeHostOptions;

constexpr int kKilled = 77;

// Ends the process at the `last`th step.
class Steps {
 public:
  explicit Steps(int last) : left_(last) {}
  void Pass() {
    if (--left_ == 0) _exit(kKilled);
  }

 private:
  int left_;
};

// A journal whose lines are steps: before and after each.
class SteppedJournal final : public Journal {
 public:
  SteppedJournal(Journal& journal, Steps& steps) : journal_(journal), steps_(steps) {}

  const std::vector<UnfinishedOperation>& unfinished() const override {
    return journal_.unfinished();
  }
  const std::vector<uint64_t>& unfinished_groups() const override {
    return journal_.unfinished_groups();
  }
  Found found() const override { return journal_.found(); }
  absl::Status saved() const override { return journal_.saved(); }
  absl::Status Save() override {
    return Step([&] { return journal_.Save(); });
  }
  absl::StatusOr<uint64_t> Begin(const DeviceBefore& before, v1::DeviceState wanted, uint64_t group,
                                 OperationOrigin origin) override {
    return Step([&] { return journal_.Begin(before, wanted, group, origin); });
  }
  absl::Status End(uint64_t id, const v1::ItemResult& result) override {
    return Step([&] { return journal_.End(id, result); });
  }
  absl::StatusOr<uint64_t> BeginGroup() override {
    return Step([&] { return journal_.BeginGroup(); });
  }
  absl::Status EndGroup(uint64_t group) override {
    return Step([&] { return journal_.EndGroup(group); });
  }
  std::vector<DeviceBefore> TouchedBy(uint64_t group) const override {
    return journal_.TouchedBy(group);
  }
  std::vector<v1::OperationRecord> OperationsOf(absl::string_view device,
                                                size_t limit) const override {
    return journal_.OperationsOf(device, limit);
  }
  std::vector<DeviceBefore> TakenOfflineAfter(uint64_t operation) const override {
    return journal_.TakenOfflineAfter(operation);
  }
  uint64_t last_operation() const override { return journal_.last_operation(); }
  std::set<std::string> SeenOnline() const override { return journal_.SeenOnline(); }
  std::optional<LastChange> LastChangeOf(absl::string_view device) const override {
    return journal_.LastChangeOf(device);
  }

 private:
  template <typename Deed>
  std::invoke_result_t<Deed> Step(Deed deed) {
    steps_.Pass();
    auto answer = deed();
    steps_.Pass();
    return answer;
  }

  Journal& journal_;
  Steps& steps_;
};

using Operation = std::function<void(DeviceOperator&)>;

// Runs `operation` on `host` in a process of its own that ends at its `step`th step; false: there
// are fewer. The host's files are then what the kernel's state was at that instant.
bool RunAndKill(FakeHost& host, const std::string& state_dir, int step,
                const Operation& operation) {
  const pid_t child = fork();
  if (child == 0) {
    Steps steps(step);
    const auto pass = [&steps](const std::string&) { steps.Pass(); };
    host.SetHooks(pass, pass);
    SystemClock wall_clock;
    SteadyClock clock;
    AgentCounters counters;
    const auto tree = *FileTree::Open(host.root());
    const auto journal = *Journal::Open(state_dir, "boot-1", wall_clock);
    SteppedJournal stepped(*journal, steps);
    DeviceReader reader(*tree, "boot-1", {});
    DeviceOperator devices({.reader = reader,
                            .writer = host,
                            .journal = stepped,
                            .limits = NoLimits(),
                            .clock = clock,
                            .counters = counters});
    operation(devices);
    _exit(0);
  }
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  host.Reload();
  return WEXITSTATUS(status) == kKilled;
}

// The next agent's view of what an agent killed at one step left.
struct Aftermath {
  FakeHost& host;
  bool killed;
  std::vector<v1::ItemResult> recovered;
  Journal& journal;
};

// Kills `operation` at each of its steps, on a fresh host each time, and hands each aftermath to
// `check`. The last one is that of an agent that wasn't killed.
void AtEveryStep(const FakeHostOptions& options, const Operation& operation,
                 const std::function<void(const Aftermath&)>& check) {
  int step = 0;
  for (bool killed = true; killed;) {
    SCOPED_TRACE(absl::StrCat("killed at step ", ++step));
    FakeHost host(options);
    const testing::TempDir state;
    killed = RunAndKill(host, state.path(), step, operation);
    {
      OperatorParts next(host, state.path(), NoLimits());
      check({host, killed, RecoverJournal(next.devices()), next.journal()});
    }
    // Nothing is left for a third agent.
    OperatorParts third(host, state.path(), NoLimits());
    EXPECT_TRUE(third.journal().unfinished().empty());
    EXPECT_TRUE(third.journal().unfinished_groups().empty());
  }
  // Around each of at least one write and two lines, and once unharmed.
  EXPECT_GT(step, 6);
}

// Where the journal knows of the operation, what it says of the device is what the device is.
void ExpectTold(const Aftermath& aftermath, const std::string& device, bool as_wanted) {
  const auto records = aftermath.journal.OperationsOf(device, 1);
  if (records.empty()) {
    EXPECT_FALSE(as_wanted);
    return;
  }
  EXPECT_EQ(records[0].result().outcome(), as_wanted ? v1::OUTCOME_CHANGED : v1::OUTCOME_FAILED);
}

TEST(KillTest, ACpuIsInOneOfItsTwoStatesAndTheJournalSaysWhich) {
  const Operation operation = [](DeviceOperator& devices) {
    devices.Change({CpuDevice(3), false}).IgnoreError();
  };
  std::set<bool> ends;
  AtEveryStep({}, operation, [&](const Aftermath& aftermath) {
    const bool offline = aftermath.host.online() == CpuSet{0, 1, 2};
    EXPECT_TRUE(offline || aftermath.host.online() == (CpuSet{0, 1, 2, 3}));
    ExpectTold(aftermath, "cpu3", offline);
    for (const v1::ItemResult& item : aftermath.recovered) EXPECT_EQ(item.reason(), "AGENT_ENDED");
    ends.insert(offline);
  });
  EXPECT_EQ(ends.size(), 2U);
}

TEST(KillTest, SoIsAMemoryBlock) {
  const Operation operation = [](DeviceOperator& devices) {
    devices.Change({MemoryDevice(3), false}).IgnoreError();
  };
  std::set<bool> ends;
  AtEveryStep({.blocks = "kkmm"}, operation, [&](const Aftermath& aftermath) {
    const bool offline = aftermath.host.online_blocks() == NumberSet{0, 1, 2};
    EXPECT_TRUE(offline || aftermath.host.online_blocks() == (NumberSet{0, 1, 2, 3}));
    ExpectTold(aftermath, "memory3", offline);
    ends.insert(offline);
  });
  EXPECT_EQ(ends.size(), 2U);
}

// All of it once the group's end is written; nothing of it before.
TEST(KillTest, AnAllOrNothingGroupIsPutBack) {
  const Operation operation = [](DeviceOperator& devices) {
    RunGroup(devices, {{CpuDevice(3), false}, {CpuDevice(2), false}, {MemoryDevice(3), false}},
             {.mode = v1::GROUP_MODE_ALL_OR_NOTHING});
  };
  std::set<bool> ends;
  AtEveryStep({.blocks = "kkmm"}, operation, [&](const Aftermath& aftermath) {
    const bool done = aftermath.host.online() == CpuSet{0, 1};
    EXPECT_TRUE(done || aftermath.host.online() == (CpuSet{0, 1, 2, 3}));
    EXPECT_EQ(aftermath.host.online_blocks().count(3), done ? 0U : 1U);
    // Where it can go offline again.
    EXPECT_EQ(aftermath.host.zone_of(3), 'm');
    EXPECT_TRUE(done || aftermath.killed);
    ends.insert(done);
  });
  EXPECT_EQ(ends.size(), 2U);
}

// A group that fails undoes itself; killed in the middle of that, the next agent goes on with it.
TEST(KillTest, AGroupIsPutBackThoughKilledWhileItUndoes) {
  const Operation operation = [](DeviceOperator& devices) {
    RunGroup(devices, {{CpuDevice(3), false}, {CpuDevice(2), false}, {MemoryDevice(0), false}},
             {.mode = v1::GROUP_MODE_ALL_OR_NOTHING});
  };
  AtEveryStep({.blocks = "nkmm"}, operation, [](const Aftermath& aftermath) {
    EXPECT_EQ(aftermath.host.online(), (CpuSet{0, 1, 2, 3}));
    EXPECT_EQ(aftermath.host.online_blocks(), (NumberSet{0, 1, 2, 3}));
  });
}

TEST(KillTest, ABestEffortGroupStaysAsFarAsItCame) {
  const Operation operation = [](DeviceOperator& devices) {
    RunGroup(devices, {{CpuDevice(3), false}, {CpuDevice(2), false}}, {});
  };
  std::set<CpuSet> ends;
  AtEveryStep({}, operation, [&](const Aftermath& aftermath) {
    EXPECT_LE(aftermath.recovered.size(), 1U);
    ends.insert(aftermath.host.online());
  });
  EXPECT_EQ(ends, (std::set<CpuSet>{{0, 1, 2, 3}, {0, 1, 2}, {0, 1}}));
}

TEST(KillTest, SmtIsOnOrOff) {
  const Operation operation = [](DeviceOperator& devices) {
    devices.SetSmt({.control = v1::SMT_CONTROL_OFF}, {}).IgnoreError();
  };
  std::set<bool> ends;
  AtEveryStep({.threads_per_core = 2}, operation, [&](const Aftermath& aftermath) {
    const bool off = aftermath.host.smt() == "off";
    EXPECT_EQ(aftermath.host.online(), off ? (CpuSet{0, 2}) : (CpuSet{0, 1, 2, 3}));
    ExpectTold(aftermath, "smt", off);
    ends.insert(off);
  });
  EXPECT_EQ(ends.size(), 2U);
}

}  // namespace
}  // namespace hotplugger::agent
