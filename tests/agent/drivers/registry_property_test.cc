// Random switches against a model of a few lines: the registry's drivers always end as the model
// says, and as they were where it says that the switch fails.
#include <algorithm>
#include <random>
#include <set>

#include "tests/agent/drivers/registry_fixture.h"

namespace hotplugger::agent {
namespace {

constexpr int kDrivers = 5;

using Set = std::set<int>;

struct Model {
  bool spares[kDrivers][kDrivers];
  bool start_fails[kDrivers];
  bool stop_fails[kDrivers];
  bool switching = true;
  Set running;

  bool Mutual(int a, int b) const { return a == b || (spares[a][b] && spares[b][a]); }

  // Whether the switch succeeds; `running` is then what it leads to.
  bool Switch(const Set& active, const Set& stopped) {
    if (!switching) return false;
    for (const int a : active) {
      if (stopped.count(a) > 0) return false;
      for (const int b : active) {
        if (!Mutual(a, b)) return false;
      }
    }
    Set next = active;
    for (const int other : running) {
      const bool spared =
          std::all_of(active.begin(), active.end(), [&](int a) { return Mutual(a, other); });
      if (active.count(other) > 0 || stopped.count(other) > 0) continue;
      if (spared) next.insert(other);
    }
    for (int i = 0; i < kDrivers; ++i) {
      if (next.count(i) > running.count(i) && start_fails[i]) return false;
      if (next.count(i) < running.count(i) && stop_fails[i]) return false;
    }
    running = next;
    return true;
  }
};

std::string NameOf(int driver) { return absl::StrCat("driver", driver); }

class RegistryPropertyTest : public RegistryTest, public ::testing::WithParamInterface<unsigned> {
 protected:
  bool Chance(int percent) { return std::uniform_int_distribution<>(0, 99)(random_) < percent; }

  Set RandomSet(int percent) {
    Set set;
    for (int i = 0; i < kDrivers; ++i) {
      if (Chance(percent)) set.insert(i);
    }
    return set;
  }

  static Names NamesOf(const Set& drivers) {
    Names names;
    for (const int driver : drivers) names.push_back(NameOf(driver));
    return names;
  }

  void MakeDrivers() {
    for (int i = 0; i < kDrivers; ++i) {
      Names whitelist;
      for (int j = 0; j < kDrivers; ++j) {
        model_.spares[i][j] = i != j && Chance(70);
        if (model_.spares[i][j]) whitelist.push_back(NameOf(j));
      }
      drivers_[i] = Add(NameOf(i), whitelist);
    }
  }

  void DrawFailures() {
    for (int i = 0; i < kDrivers; ++i) {
      model_.start_fails[i] = Chance(10);
      model_.stop_fails[i] = Chance(10);
      // One that fails to start must still be startable by undo, so failures are of a switch's
      // first call only: those to the wanted state.
      FakeDriver* driver = drivers_[i].get();
      const bool was_running = driver->running();
      driver->set_hook([this, i, was_running](bool running, absl::Time) {
        const bool fails =
            running ? !was_running && model_.start_fails[i] : was_running && model_.stop_fails[i];
        return fails ? absl::InternalError("as drawn") : absl::OkStatus();
      });
    }
  }

  std::mt19937 random_{GetParam()};
  Model model_;
  std::shared_ptr<FakeDriver> drivers_[kDrivers];
};

TEST_P(RegistryPropertyTest, EndsAsTheModelSays) {
  MakeDrivers();
  int succeeded = 0;
  for (int round = 0; round < 300; ++round) {
    model_.switching = !Chance(5);
    registry_.SetSwitching(model_.switching);
    DrawFailures();
    const Set active = RandomSet(25);
    const Set stopped = RandomSet(15);
    const bool expected = model_.Switch(active, stopped);
    const SwitchResult result =
        registry_.SwitchDrivers(NamesOf(active), NamesOf(stopped), Deadline());
    ASSERT_EQ(result.status.ok(), expected) << "round " << round << ": " << result.status;
    ASSERT_EQ(Running(), NamesOf(model_.running)) << "round " << round;
    succeeded += expected;
  }
  EXPECT_GT(succeeded, 30) << "too few switches that succeed to say much";
}

INSTANTIATE_TEST_SUITE_P(Seeds, RegistryPropertyTest, ::testing::Range(1u, 21u));

}  // namespace
}  // namespace hotplugger::agent
