#include "agent/drivers/state_inquiry.h"

#include <algorithm>
#include <deque>
#include <optional>
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

// What is asked at once, by one thread or several. Guarded by Shared's mutex, but for `drivers`,
// which never changes.
struct StateInquiry::Questions {
  std::vector<std::shared_ptr<HotplugDriver>> drivers;
  // Where there is none, it has not answered yet.
  std::vector<std::optional<DriverAnswer>> answers;
  // The first that nobody has been sent to yet.
  size_t next = 0;
  size_t answered = 0;
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
    while (!questions->abandoned && questions->next < questions->drivers.size()) {
      const size_t asked = questions->next++;
      const std::shared_ptr<HotplugDriver>& driver = questions->drivers[asked];
      if (shared->hanging.count(driver.get()) > 0) {
        questions->answers[asked] = {
            v1::DRIVER_STATE_UNKNOWN,
            absl::StrCat(driver->name(), " was asked before and still hangs")};
      } else {
        shared->mutex.Unlock();
        DriverAnswer answer = AskOne(*driver);
        shared->mutex.Lock();
        if (questions->abandoned) {
          shared->hanging.erase(driver.get());
          break;
        }
        questions->answers[asked] = std::move(answer);
      }
      ++questions->answered;
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
  if (drivers.empty()) return {};
  auto questions = std::make_shared<Questions>();
  questions->drivers = drivers;
  questions->answers.resize(drivers.size());
  MutexLock lock(&shared_->mutex);
  AwaitAnswers(questions);
  questions->abandoned = true;
  std::vector<DriverAnswer> answers;
  for (size_t i = 0; i < drivers.size(); ++i) {
    if (questions->answers[i].has_value()) {
      answers.push_back(*std::move(questions->answers[i]));
      continue;
    }
    const bool asked = i < questions->next;
    if (asked) shared_->hanging.insert(drivers[i].get());
    answers.push_back({v1::DRIVER_STATE_UNKNOWN,
                       absl::StrCat(drivers[i]->name(),
                                    asked ? " has not answered within "
                                          : " could not be asked, since others hang: within ",
                                    absl::FormatDuration(patience_),
                                    asked ? " whether it runs" : " its turn did not come")});
  }
  return answers;
}

// Where one hangs, another thread goes on with the rest, in the same time.
void StateInquiry::AwaitAnswers(const std::shared_ptr<Questions>& questions) {
  const absl::Duration hang = patience_ / kMostHanging;
  const absl::Time give_up = SteadyNow() + patience_;
  absl::Time goes_on = SteadyNow() + hang;
  size_t answered = 0;
  Hand(questions);
  while (questions->answered < questions->drivers.size() && SteadyNow() < give_up) {
    shared_->changed.WaitUntil(&shared_->mutex, std::min(give_up, goes_on));
    const bool stands_still = questions->answered == answered;
    if (stands_still && SteadyNow() < goes_on) continue;
    if (stands_still && questions->next < questions->drivers.size()) Hand(questions);
    answered = questions->answered;
    goes_on = SteadyNow() + hang;
  }
}

DriverAnswer StateInquiry::Ask(const std::shared_ptr<HotplugDriver>& driver) {
  return Ask(std::vector<std::shared_ptr<HotplugDriver>>{driver}).front();
}

}  // namespace hotplugger::agent
