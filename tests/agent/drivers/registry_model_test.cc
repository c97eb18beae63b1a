// 100,000 random operations by several threads against a model of the contract of a few lines.
//
// Switches exclude each other, so the calls that drivers get put those that change something into
// one order, and the model must agree with each in that order. One that calls no driver has its
// place somewhere between its beginning and its end: the model must agree at one place there.
#include <algorithm>
#include <bitset>
#include <map>
#include <optional>
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

// How an operation ends, by the model.
struct Verdict {
  // Empty where it succeeds.
  std::optional<std::string> failure;
  // What runs then.
  Set next;
  // Of those asked for, and of those that were changed; others that are named were spared.
  std::map<size_t, v1::Outcome> outcomes = {};
};

// The contract's rules for drivers that spare each other or don't, and some of which fail, lie or
// can't be asked.
struct Model {
  bool spares[kDrivers][kDrivers] = {};
  Set start_fails;
  Set stop_fails;
  // Say that they did, and stay as they are.
  Set lies;
  // Can't be asked whether they run.
  Set unknown;
  // In order of registration.
  std::vector<size_t> registered;
  bool switching = true;

  static bool CallsBack(size_t driver) { return driver % 2 == 0; }

  bool Mutual(size_t a, size_t b) const { return a == b || (spares[a][b] && spares[b][a]); }
  bool IsRegistered(size_t driver) const {
    return std::find(registered.begin(), registered.end(), driver) != registered.end();
  }

  // Those of `drivers` that are in conflict with one of `active`.
  Set Conflicts(const Set& drivers, const Set& active) const {
    Set conflicts;
    for (size_t i = 0; i < kDrivers; ++i) {
      for (size_t j = 0; j < kDrivers; ++j) {
        if (drivers[i] && active[j] && !Mutual(i, j)) conflicts.set(i);
      }
    }
    return conflicts;
  }

  Verdict Do(const Operation& operation, const Set& running) const {
    const Set asked = Asked(operation);
    if (operation.kind == Operation::Kind::kList) return {std::nullopt, running};
    if (!switching) return Refuse(asked, running, "SWITCHING_OFF");
    for (size_t i = 0; i < kDrivers; ++i) {
      const bool named = asked[i] || (IsAboutOne(operation) && operation.driver == i);
      if (named && !IsRegistered(i)) return Refuse(asked, running, "DRIVER_NOT_REGISTERED");
    }
    const size_t driver = operation.driver;
    const Set alone = Set().set(driver);
    switch (operation.kind) {
      case Operation::Kind::kEnableOne:
        return EnableOne(driver, running);
      case Operation::Kind::kDisableOne:
        return unknown[driver] ? StopUnknown(driver, running)
                               : Switch({}, alone, {}, asked, running);
      case Operation::Kind::kDisableConflicts:
        return Switch({}, {}, alone, asked, running);
      default:
        break;
    }
    if ((operation.active & operation.stopped).any()) {
      return Refuse(asked, running, "ACTIVE_AND_STOPPED");
    }
    if (Conflicts(operation.active, operation.active).any()) {
      return Refuse(asked, running, "ACTIVE_SET_CONFLICT");
    }
    if ((asked & unknown).any()) return Refuse(asked, running, "DRIVER_STATE_UNKNOWN");
    return Switch(operation.active, operation.stopped, operation.active, asked, running);
  }

  static bool IsAboutOne(const Operation& operation) {
    return operation.kind != Operation::Kind::kSwitchDrivers;
  }

  // Those that the answer must name.
  static Set Asked(const Operation& operation) {
    switch (operation.kind) {
      case Operation::Kind::kSwitchDrivers:
        return operation.active | operation.stopped;
      case Operation::Kind::kDisableConflicts:
      case Operation::Kind::kList:
        return {};
      default:
        return Set().set(operation.driver);
    }
  }

  static Verdict Refuse(const Set& asked, const Set& running, const std::string& reason) {
    Verdict verdict{reason, running};
    for (size_t i = 0; i < kDrivers; ++i) {
      if (asked[i]) verdict.outcomes[i] = v1::OUTCOME_REFUSED;
    }
    return verdict;
  }

  // The reason with which a change fails, if it does.
  std::optional<std::string> Failure(size_t driver, bool to_run) const {
    if (to_run ? start_fails[driver] : stop_fails[driver]) return "";
    if (lies[driver]) return "DRIVER_DID_NOT_CHANGE";
    return std::nullopt;
  }

  Verdict EnableOne(size_t driver, const Set& running) const {
    const Set alone = Set().set(driver);
    if (unknown[driver]) return Refuse(alone, running, "DRIVER_STATE_UNKNOWN");
    if (running[driver]) return {std::nullopt, running, {{driver, v1::OUTCOME_ALREADY}}};
    Verdict verdict = Switch(alone, {}, alone, alone, running);
    // What a driver asks for as it starts fails with it.
    if (verdict.failure.has_value() && CallsBack(driver)) {
      verdict.outcomes[driver] = v1::OUTCOME_FAILED;
    }
    return verdict;
  }

  // It is told to, and that can't be verified; nor can what it was before be gone back to.
  Verdict StopUnknown(size_t driver, const Set& running) const {
    Verdict verdict{"DRIVER_STATE_UNKNOWN", running, {{driver, v1::OUTCOME_FAILED}}};
    if (!running[driver]) return verdict;
    if (stop_fails[driver]) verdict.failure = "";
    if (!stop_fails[driver] && !lies[driver]) verdict.next.reset(driver);
    return verdict;
  }

  // `to_stop` stop, then whatever runs and conflicts with `active`, then `to_run` start; all or
  // none.
  Verdict Switch(const Set& to_run, const Set& to_stop, const Set& active, const Set& asked,
                 const Set& running) const {
    Set known_to_be_there;
    for (const size_t i : registered) known_to_be_there.set(i);
    if ((Conflicts(unknown & known_to_be_there, active) & ~to_stop).any()) {
      return Refuse(asked, running, "DRIVER_STATE_UNKNOWN");
    }
    std::vector<size_t> order;
    const Set conflicts = Conflicts(running & ~unknown, active) & ~to_stop;
    for (size_t i = 0; i < kDrivers; ++i) {
      if (to_stop[i] && running[i]) order.push_back(i);
    }
    for (const size_t i : registered) {
      if (conflicts[i]) order.push_back(i);
    }
    for (size_t i = 0; i < kDrivers; ++i) {
      if (to_run[i] && !running[i]) order.push_back(i);
    }
    Verdict verdict{std::nullopt, running};
    for (size_t i = 0; i < kDrivers; ++i) {
      if (asked[i] && to_run[i] == running[i]) verdict.outcomes[i] = v1::OUTCOME_ALREADY;
    }
    // Those that are not reached.
    for (const size_t i : order) verdict.outcomes[i] = v1::OUTCOME_SKIPPED;
    for (const size_t i : order) {
      verdict.failure = Failure(i, !running[i]);
      verdict.outcomes[i] = v1::OUTCOME_FAILED;
      if (verdict.failure.has_value()) break;
      verdict.next.flip(i);
      verdict.outcomes[i] = v1::OUTCOME_CHANGED;
    }
    if (verdict.failure.has_value()) verdict.next = running;
    return verdict;
  }
};

// One that was carried out.
struct Done {
  Operation operation;
  SwitchResult result;
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
      drivers_[i]->set_calls_disable_conflicts(Model::CallsBack(i));
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
    if (running && Model::CallsBack(i)) {
      const absl::Status status = registry_.DisableConflicts(NameOf(i), deadline).status;
      if (!status.ok()) return status;
    }
    const bool fails = running ? model_.start_fails[i] : model_.stop_fails[i];
    return fails ? absl::InternalError("as drawn") : absl::OkStatus();
  }

  SwitchResult Carry(const Operation& operation) {
    const std::string name = NameOf(operation.driver);
    switch (operation.kind) {
      case Operation::Kind::kEnableOne:
        return registry_.EnableOne(name, Deadline());
      case Operation::Kind::kDisableOne:
        return registry_.DisableOne(name, Deadline());
      case Operation::Kind::kDisableConflicts:
        return registry_.DisableConflicts(name, Deadline());
      case Operation::Kind::kSwitchDrivers:
        return registry_.SwitchDrivers(NamesOf(operation.active), NamesOf(operation.stopped),
                                       Deadline());
      case Operation::Kind::kList:
        CheckList(registry_.List());
        break;
    }
    return {};
  }

  // Which drivers there are, and in which order, changes between rounds alone. What runs does so
  // all the time where others switch too.
  void CheckList(const std::vector<v1::Driver>& list) {
    ASSERT_EQ(list.size(), model_.registered.size());
    for (size_t i = 0; i < list.size(); ++i) {
      const size_t driver = model_.registered[i];
      EXPECT_EQ(list[i].name(), NameOf(driver));
      EXPECT_TRUE(list[i].whitelist_known());
      EXPECT_EQ(list[i].state() == v1::DRIVER_STATE_UNKNOWN, model_.unknown[driver]);
      if (GetParam() > 1 || model_.unknown[driver]) continue;
      EXPECT_EQ(list[i].state() == v1::DRIVER_STATE_RUNNING, drivers_[driver]->running());
    }
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
      each.result = Carry(each.operation);
      while (ErrorReason(each.result.status) == "SWITCH_IN_PROGRESS" && SteadyNow() < give_up) {
        absl::SleepFor(absl::Microseconds(50));
        each.result = Carry(each.operation);
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
    SetMoods(Set(), Set());
    const size_t driver = (*random)() % kDrivers;
    std::vector<size_t>& registered = model_.registered;
    if (!model_.IsRegistered(driver)) {
      EXPECT_EQ(registry_.Register(drivers_[driver]), absl::OkStatus());
      registered.push_back(driver);
    } else if ((*random)() % 4 == 0) {
      EXPECT_EQ(registry_.Unregister(NameOf(driver), Deadline()).status, absl::OkStatus());
      EXPECT_FALSE(drivers_[driver]->running());
      registered.erase(std::find(registered.begin(), registered.end(), driver));
    }
    model_.switching = (*random)() % 20 != 0;
    registry_.SetSwitching(model_.switching);
    const auto one_in_eight = [&] { return Set((*random)() & (*random)() & (*random)()); };
    model_.start_fails = one_in_eight();
    model_.stop_fails = one_in_eight();
    const Set lies = one_in_eight() & Set((*random)());
    SetMoods(lies, one_in_eight() & Set((*random)()));
    MutexLock lock(&mutex_);
    states_.clear();
    last_caller_ = nullptr;
  }

  void SetMoods(const Set& lies, const Set& unknown) {
    model_.lies = lies;
    model_.unknown = unknown;
    for (size_t i = 0; i < kDrivers; ++i) {
      drivers_[i]->set_lies(lies[i]);
      drivers_[i]->set_ask_answer(unknown[i] ? absl::InternalError("mute") : absl::OkStatus());
    }
  }

  // Every operation of a round against the model.
  void Compare(const std::vector<std::vector<Done>>& round) {
    const Set end = Actual();
    MutexLock lock(&mutex_);
    states_.push_back(end);
    for (const std::vector<Done>& thread : round) {
      for (const Done& done : thread) {
        if (done.turn.has_value()) {
          const Verdict verdict = model_.Do(done.operation, states_[*done.turn]);
          ASSERT_EQ(Difference(verdict, done.result), "") << done.result.status;
          ASSERT_EQ(states_[*done.turn + 1], verdict.next) << done.result.status;
          ++(verdict.failure.has_value() ? undone_ : changed_);
        } else {
          ASSERT_TRUE(AgreesSomewhere(done)) << done.result.status;
        }
      }
    }
  }

  bool AgreesSomewhere(const Done& done) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    for (size_t i = done.from; i <= done.to; ++i) {
      const Verdict verdict = model_.Do(done.operation, states_[i]);
      if (verdict.next == states_[i] && Difference(verdict, done.result).empty()) return true;
    }
    return false;
  }

  // In what an answer is not as the model says: empty where it is.
  static std::string Difference(const Verdict& verdict, const SwitchResult& result) {
    if (result.status.ok() == verdict.failure.has_value()) return "whether it succeeds";
    if (!result.status.ok() && ErrorReason(result.status) != *verdict.failure) {
      return absl::StrCat("the reason, which is to be ", *verdict.failure);
    }
    std::map<std::string, v1::Outcome> left;
    for (const auto& [driver, outcome] : verdict.outcomes) {
      const bool undone = verdict.failure.has_value() && outcome == v1::OUTCOME_CHANGED;
      left[absl::StrCat("driver/", NameOf(driver))] = undone ? v1::OUTCOME_UNDONE : outcome;
    }
    for (const v1::ItemResult& item : result.items) {
      const auto expected = left.find(item.subject());
      // Spared.
      if (expected == left.end() && item.outcome() == v1::OUTCOME_ALREADY) continue;
      if (expected == left.end()) return absl::StrCat("an item of ", item.subject());
      if (expected->second != item.outcome()) return absl::StrCat("what of ", item.subject());
      left.erase(expected);
    }
    return left.empty() ? "" : absl::StrCat("no item of ", left.begin()->first);
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
