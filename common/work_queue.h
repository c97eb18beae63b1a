// One thread that runs tasks in order: where work that may block (fsync, the kernel) leaves gRPC's
// threads, which must never wait.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <thread>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "common/mutex.h"

namespace hotplugger {

// Safe for concurrent use. The destructor runs what was accepted, then joins.
class WorkQueue {
 public:
  using Task = absl::AnyInvocable<void()>;

  // `name` appears in errors; at most `capacity` tasks wait.
  WorkQueue(std::string name, size_t capacity);
  ~WorkQueue();
  WorkQueue(const WorkQueue&) = delete;
  WorkQueue& operator=(const WorkQueue&) = delete;

  // Takes `task` to be run on the queue's thread. RESOURCE_EXHAUSTED when full, UNAVAILABLE after
  // Stop; then the task is not run. Never blocks.
  absl::Status Add(Task task);

  // Accepts no more, runs what was accepted, joins. May be called again. Not from a task.
  void Stop();

  // Tasks that wait or run.
  size_t Size();

  // How it is used.
  struct Use {
    // What waits now, without the task that runs, and what may.
    size_t length = 0;
    size_t capacity = 0;
    // What was not taken because it was full, since the beginning.
    int64_t refusals = 0;
  };
  Use use();

 private:
  void Run();

  const std::string name_;
  const size_t capacity_;
  Mutex mutex_;
  CondVar changed_;
  std::deque<Task> tasks_ ABSL_GUARDED_BY(mutex_);
  bool running_task_ ABSL_GUARDED_BY(mutex_) = false;
  int64_t refusals_ ABSL_GUARDED_BY(mutex_) = 0;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace hotplugger
