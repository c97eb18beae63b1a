// 100,000 random operations by several threads against a model of the contract of a few lines.
//
// Switches exclude each other, so the calls that drivers get put those that change something into
// one order, and the model must agree with each in that order. One that calls no driver has its
// place somewhere between its beginning and its end: the model must agree at one place there.
#include <algorithm>
#include <bitset>
#include <random>
#include <thread>

#include "tests/agent/drivers/registry_fixture.h"

namespace hotplugger::agent {
namespace {

constexpr size_t kDrivers = 6;
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
constexpr int kOperations = 10'000;
#else
constexpr int kOperations = 100'000;
#endif
constexpr int kOperationsPerRound = 100;

using Set = std::bitset<kDrivers>;

struct Operation {
  enum class Kind { kEnableOne, kDisableOne, kDisableConflicts, kSwitchDrivers, kList };
  Kind kind = Kind::kList;
  size_t driver = 0;
  Set active;
  Set stopped;
};

// The contract's rules for drivers that spare each other or don't.
struct Model {
  bool spares[kDrivers][kDrivers] = {};
  Set start_fails;
  Set stop_fails;
  Set registered;
  bool switching = true;

  bool Mutual(size_t a, size_t b) const { return a == b || (spares[a][b] && spares[b][a]); }

  Set Conflicts(const Set& running, size_t driver) const {
    Set conflicts;
    for (size_t i = 0; i < kDrivers; ++i) conflicts[i] = running[i] && !Mutual(i, driver);
    return conflicts;
  }

  // What `running` becomes; nothing where the operation fails.
  std::optional<Set> Do(const Operation& operation, const Set& running) const {
    Set next = running;
    switch (operation.kind) {
      case Operation::Kind::kList:
        return running;
      case Operation::Kind::kEnableOne:
        if (!running[operation.driver]) {
          next = (running & ~Conflicts(running, operation.driver)).set(operation.driver);
        }
        break;
      case Operation::Kind::kDisableOne:
        next.reset(operation.driver);
        break;
      case Operation::Kind::kDisableConflicts:
        next &= ~Conflicts(running, operation.driver);
        break;
      case Operation::Kind::kSwitchDrivers:
        if ((operation.active & operation.stopped).any()) return std::nullopt;
        for (size_t i = 0; i < kDrivers; ++i) {
          if (!operation.active[i]) continue;
          if (Conflicts(operation.active, i).any()) return std::nullopt;
          next &= ~Conflicts(running, i);
        }
        next = (next | operation.active) & ~operation.stopped;
        break;
    }
    if (!switching || (Asked(operation) & ~registered).any()) return std::nullopt;
    if ((next & ~running & start_fails).any() || (running & ~next & stop_fails).any()) {
      return std::nullopt;
    }
    return next;
  }

  static Set Asked(const Operation& operation) {
    if (operation.kind == Operation::Kind::kSwitchDrivers) {
      return operation.active | operation.stopped;
    }
    return Set().set(operation.driver);
  }
};

// One that was carried out.
struct Done {
  Operation operation;
  absl::Status status;
  // How many operations had called drivers when it began, and when it was over.
  size_t from = 0;
  size_t to = 0;
  // Its own number among those.
  std::optional<size_t> turn;
};

class RegistryModelTest : public RegistryTest, public ::testing::WithParamInterface<int> {
 protected:
  void MakeDrivers(std::mt19937* random) {
    for (size_t i = 0; i < kDrivers; ++i) {
      Names whitelist;
      const bool all = (*random)() % 6 == 0;
      if (all) whitelist = {"*"};
      for (size_t j = 0; j < kDrivers; ++j) {
        model_.spares[i][j] = i != j && (all || (*random)() % 100 < 70);
        if (model_.spares[i][j] && !all) whitelist.push_back(NameOf(j));
      }
      drivers_[i] = std::make_shared<FakeDriver>(NameOf(i), whitelist);
      drivers_[i]->set_calls_disable_conflicts(i % 2 == 0);
      drivers_[i]->set_hook(
          [this, i](bool running, absl::Time deadline) { return Called(i, running, deadline); });
    }
  }

  static std::string NameOf(size_t driver) { return absl::StrCat("driver", driver); }
  static Names NamesOf(const Set& set) {
    Names names;
    for (size_t i = 0; i < kDrivers; ++i) {
      if (set[i]) names.push_back(NameOf(i));
    }
    return names;
  }
  Set Actual() {
    Set running;
    for (size_t i = 0; i < kDrivers; ++i) running[i] = drivers_[i]->running();
    return running;
  }

  // Driver `i` is to start or stop. It fails where it was drawn to, but not when it is only put
  // back to how it was.
  absl::Status Called(size_t i, bool running, absl::Time deadline) {
    bool put_back = false;
    {
      MutexLock lock(&mutex_);
      if (last_caller_ != current_) {
        last_caller_ = current_;
        if (current_ != nullptr) {
          EXPECT_FALSE(current_->turn.has_value()) << "another switch came between";
          current_->turn = states_.size();
          states_.push_back(Actual());
        }
      }
      put_back = !states_.empty() && states_.back()[i] == running;
    }
    if (put_back) return absl::OkStatus();
    if (running && i % 2 == 0) {
      const absl::Status status = registry_.DisableConflicts(NameOf(i), deadline).status;
      if (!status.ok()) return status;
    }
    const bool fails = running ? model_.start_fails[i] : model_.stop_fails[i];
    return fails ? absl::InternalError("as drawn") : absl::OkStatus();
  }

  absl::Status Carry(const Operation& operation) {
    const std::string name = NameOf(operation.driver);
    switch (operation.kind) {
      case Operation::Kind::kEnableOne:
        return registry_.EnableOne(name, Deadline()).status;
      case Operation::Kind::kDisableOne:
        return registry_.DisableOne(name, Deadline()).status;
      case Operation::Kind::kDisableConflicts:
        return registry_.DisableConflicts(name, Deadline()).status;
      case Operation::Kind::kSwitchDrivers:
        return registry_
            .SwitchDrivers(NamesOf(operation.active), NamesOf(operation.stopped), Deadline())
            .status;
      case Operation::Kind::kList:
        registry_.List();
        return absl::OkStatus();
    }
    return absl::OkStatus();
  }

  static Operation Draw(std::mt19937* random) {
    Operation operation;
    operation.kind = static_cast<Operation::Kind>((*random)() % 5);
    operation.driver = (*random)() % kDrivers;
    operation.active = (*random)() & (*random)();
    operation.stopped = (*random)() & (*random)() & (*random)();
    return operation;
  }

  // One thread's share of a round.
  void Work(unsigned seed, std::vector<Done>* done) {
    std::mt19937 random(seed);
    for (Done& each : *done) {
      each.operation = Draw(&random);
      current_ = &each;
      each.from = Turns();
      const absl::Time give_up = SteadyNow() + absl::Seconds(60);
      each.status = Carry(each.operation);
      while (ErrorReason(each.status) == "SWITCH_IN_PROGRESS" && SteadyNow() < give_up) {
        absl::SleepFor(absl::Microseconds(50));
        each.status = Carry(each.operation);
      }
      each.to = Turns();
    }
    current_ = nullptr;
  }

  size_t Turns() {
    MutexLock lock(&mutex_);
    return states_.size();
  }

  // Between rounds, as one thread: drivers come and go, the switch is set, failures are drawn.
  void ChangeTerms(std::mt19937* random) {
    model_.start_fails = model_.stop_fails = Set();
    const size_t driver = (*random)() % kDrivers;
    if (!model_.registered[driver]) {
      EXPECT_EQ(registry_.Register(drivers_[driver]), absl::OkStatus());
      model_.registered.set(driver);
    } else if ((*random)() % 4 == 0) {
      EXPECT_EQ(registry_.Unregister(NameOf(driver), Deadline()), absl::OkStatus());
      EXPECT_FALSE(drivers_[driver]->running());
      model_.registered.reset(driver);
    }
    model_.switching = (*random)() % 20 != 0;
    registry_.SetSwitching(model_.switching);
    model_.start_fails = (*random)() & (*random)() & (*random)();
    model_.stop_fails = (*random)() & (*random)() & (*random)();
    MutexLock lock(&mutex_);
    states_.clear();
    last_caller_ = nullptr;
  }

  // Every operation of a round against the model.
  void Compare(const std::vector<std::vector<Done>>& round) {
    const Set end = Actual();
    MutexLock lock(&mutex_);
    states_.push_back(end);
    for (const std::vector<Done>& thread : round) {
      for (const Done& done : thread) {
        if (done.turn.has_value()) {
          const std::optional<Set> expected = model_.Do(done.operation, states_[*done.turn]);
          ASSERT_EQ(done.status.ok(), expected.has_value()) << done.status;
          ASSERT_EQ(states_[*done.turn + 1], expected.value_or(states_[*done.turn])) << done.status;
          ++(expected.has_value() ? changed_ : undone_);
        } else {
          ASSERT_TRUE(AgreesSomewhere(done)) << done.status;
        }
      }
    }
  }

  bool AgreesSomewhere(const Done& done) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    for (size_t i = done.from; i <= done.to; ++i) {
      const std::optional<Set> expected = model_.Do(done.operation, states_[i]);
      if (done.status.ok() ? expected == states_[i] : !expected.has_value()) return true;
    }
    return false;
  }

  static thread_local Done* current_;

  Model model_;
  std::shared_ptr<FakeDriver> drivers_[kDrivers];
  Mutex mutex_;
  // Whose calls the drivers got last.
  Done* last_caller_ ABSL_GUARDED_BY(mutex_) = nullptr;
  // What ran when each of the operations that called drivers began.
  std::vector<Set> states_ ABSL_GUARDED_BY(mutex_);
  int changed_ = 0;
  int undone_ = 0;
};

thread_local Done* RegistryModelTest::current_ = nullptr;

TEST_P(RegistryModelTest, EndsAsTheModelSays) {
  const int threads = GetParam();
  std::mt19937 random(static_cast<unsigned>(threads));
  MakeDrivers(&random);
  for (int done = 0; done < kOperations; done += kOperationsPerRound) {
    ChangeTerms(&random);
    std::vector<std::vector<Done>> round(
        static_cast<size_t>(threads),
        std::vector<Done>(static_cast<size_t>(kOperationsPerRound / threads)));
    std::vector<std::thread> workers;
    for (std::vector<Done>& share : round) {
      workers.emplace_back(
          [this, seed = static_cast<unsigned>(random()), &share] { Work(seed, &share); });
    }
    for (std::thread& worker : workers) worker.join();
    Compare(round);
    if (HasFatalFailure()) return;
  }
  EXPECT_GT(changed_, kOperations / 20) << "too few that change anything to say much";
  EXPECT_GT(undone_, kOperations / 100) << "too few that are undone to say much";
}

INSTANTIATE_TEST_SUITE_P(Threads, RegistryModelTest, ::testing::Values(1, 4));

}  // namespace
}  // namespace hotplugger::agent
