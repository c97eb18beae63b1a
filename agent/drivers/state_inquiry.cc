#include "agent/drivers/state_inquiry.h"

#include <deque>
#include <set>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/clock.h"
#include "common/mutex.h"

namespace hotplugger::agent {
namespace {

DriverAnswer AskOne(HotplugDriver& driver) {
  const absl::StatusOr<bool> running = driver.IsRunning();
  if (running.ok()) return {*running ? v1::DRIVER_STATE_RUNNING : v1::DRIVER_STATE_STOPPED, ""};
  return {v1::DRIVER_STATE_UNKNOWN, std::string(running.status().message())};
}

}  // namespace

// What one thread asks one after the other. Guarded by Shared's mutex, but for `drivers`, which
// never changes.
struct StateInquiry::Questions {
  std::vector<std::shared_ptr<HotplugDriver>> drivers;
  std::vector<DriverAnswer> answers;
  // Nobody waits for the rest any more.
  bool abandoned = false;
};

struct StateInquiry::Shared {
  Mutex mutex;
  CondVar changed;
  std::deque<std::shared_ptr<Questions>> waiting ABSL_GUARDED_BY(mutex);
  std::set<const HotplugDriver*> hanging ABSL_GUARDED_BY(mutex);
  size_t threads ABSL_GUARDED_BY(mutex) = 0;
  size_t idle ABSL_GUARDED_BY(mutex) = 0;
  bool stopped ABSL_GUARDED_BY(mutex) = false;
};

StateInquiry::StateInquiry(absl::Duration patience)
    : patience_(patience), shared_(std::make_shared<Shared>()) {}

StateInquiry::~StateInquiry() {
  MutexLock lock(&shared_->mutex);
  shared_->stopped = true;
  shared_->changed.NotifyAll();
  const absl::Time give_up = SteadyNow() + patience_;
  while (shared_->threads > 0 && SteadyNow() < give_up) {
    shared_->changed.WaitUntil(&shared_->mutex, give_up);
  }
}

void StateInquiry::Serve(const std::shared_ptr<Shared>& shared) {
  MutexLock lock(&shared->mutex);
  while (!shared->stopped) {
    if (shared->waiting.empty()) {
      ++shared->idle;
      shared->changed.WaitUntil(&shared->mutex, SteadyNow() + absl::Hours(1));
      --shared->idle;
      continue;
    }
    const std::shared_ptr<Questions> questions = std::move(shared->waiting.front());
    shared->waiting.pop_front();
    for (const std::shared_ptr<HotplugDriver>& driver : questions->drivers) {
      shared->mutex.Unlock();
      DriverAnswer answer = AskOne(*driver);
      shared->mutex.Lock();
      if (questions->abandoned) {
        shared->hanging.erase(driver.get());
        break;
      }
      questions->answers.push_back(std::move(answer));
    }
    shared->changed.NotifyAll();
  }
  --shared->threads;
  shared->changed.NotifyAll();
}

void StateInquiry::Hand(const std::shared_ptr<Questions>& questions) {
  shared_->mutex.AssertHeld();
  shared_->waiting.push_back(questions);
  if (shared_->idle >= shared_->waiting.size()) {
    shared_->changed.NotifyAll();
    return;
  }
  ++shared_->threads;
  std::thread([shared = shared_] { Serve(shared); }).detach();
}

std::vector<DriverAnswer> StateInquiry::Ask(
    const std::vector<std::shared_ptr<HotplugDriver>>& drivers) {
  std::vector<DriverAnswer> answers;
  MutexLock lock(&shared_->mutex);
  while (answers.size() < drivers.size()) {
    const std::shared_ptr<HotplugDriver>& next = drivers[answers.size()];
    if (shared_->hanging.count(next.get()) > 0) {
      answers.push_back({v1::DRIVER_STATE_UNKNOWN,
                         absl::StrCat(next->name(), " was asked before and still hangs")});
      continue;
    }
    auto questions = std::make_shared<Questions>();
    for (size_t i = answers.size(); i < drivers.size(); ++i) {
      if (shared_->hanging.count(drivers[i].get()) > 0) break;
      questions->drivers.push_back(drivers[i]);
    }
    Hand(questions);
    size_t answered = 0;
    absl::Time give_up = SteadyNow() + patience_;
    while (questions->answers.size() < questions->drivers.size() && SteadyNow() < give_up) {
      shared_->changed.WaitUntil(&shared_->mutex, give_up);
      // Each driver has its own time.
      if (questions->answers.size() > answered) give_up = SteadyNow() + patience_;
      answered = questions->answers.size();
    }
    for (DriverAnswer& answer : questions->answers) answers.push_back(std::move(answer));
    if (answered == questions->drivers.size()) continue;
    questions->abandoned = true;
    const std::shared_ptr<HotplugDriver>& hanging = questions->drivers[answered];
    shared_->hanging.insert(hanging.get());
    answers.push_back({v1::DRIVER_STATE_UNKNOWN,
                       absl::StrCat(hanging->name(), " has not answered within ",
                                    absl::FormatDuration(patience_), " whether it runs")});
  }
  return answers;
}

DriverAnswer StateInquiry::Ask(const std::shared_ptr<HotplugDriver>& driver) {
  return Ask(std::vector<std::shared_ptr<HotplugDriver>>{driver}).front();
}

}  // namespace hotplugger::agent
