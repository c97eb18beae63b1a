#include "common/work_queue.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/error_info.h"

namespace hotplugger {

WorkQueue::WorkQueue(std::string name, size_t capacity)
    : name_(std::move(name)), capacity_(capacity), thread_([this] { Run(); }) {}

WorkQueue::~WorkQueue() { Stop(); }

absl::Status WorkQueue::Add(Task task) {
  MutexLock lock(&mutex_);
  if (stopped_) {
    return MakeError(absl::StatusCode::kUnavailable, "SHUTTING_DOWN",
                     absl::StrCat("the ", name_, " is shutting down; try again later"));
  }
  if (tasks_.size() >= capacity_) {
    ++refusals_;
    return MakeError(absl::StatusCode::kResourceExhausted, "QUEUE_FULL",
                     absl::StrCat("the ", name_, " already holds ", tasks_.size(),
                                  " tasks, its limit; try again later"));
  }
  tasks_.push_back(std::move(task));
  changed_.NotifyAll();
  return absl::OkStatus();
}

void WorkQueue::Stop() {
  {
    MutexLock lock(&mutex_);
    stopped_ = true;
    changed_.NotifyAll();
  }
  if (thread_.joinable()) thread_.join();
}

size_t WorkQueue::Size() {
  MutexLock lock(&mutex_);
  return tasks_.size() + (running_task_ ? 1 : 0);
}

WorkQueue::Use WorkQueue::use() {
  MutexLock lock(&mutex_);
  return {.length = tasks_.size(), .capacity = capacity_, .refusals = refusals_};
}

void WorkQueue::Run() {
  for (;;) {
    Task task;
    {
      MutexLock lock(&mutex_);
      running_task_ = false;
      while (tasks_.empty() && !stopped_) changed_.WaitUntil(&mutex_, absl::InfiniteFuture());
      if (tasks_.empty()) return;
      task = std::move(tasks_.front());
      tasks_.pop_front();
      running_task_ = true;
    }
    task();
  }
}

}  // namespace hotplugger
