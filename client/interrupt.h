// SIGINT as a stop request, for verbs that go on until they are told to end.
#pragma once

#include <stop_token>

#include "common/mutex.h"

namespace hotplugger::client {

// Waits for SIGINT on a thread of its own, which lasts as long as the program: one of these a
// program, never destroyed before its end. Until Catch is called SIGINT ends the program by that
// signal, as if it had never been blocked. Safe for concurrent use.
class Interrupt {
 public:
  // Blocks SIGINT in this and all later threads. Call it before any thread starts. A SIGINT that
  // the parent has the program ignore stays ignored.
  void Start();

  // From now on SIGINT requests a stop; a second one ends the program.
  std::stop_token Catch();

 private:
  void WaitForSignals();

  Mutex mutex_;
  bool caught_ ABSL_GUARDED_BY(mutex_) = false;
  std::stop_source source_;
};

}  // namespace hotplugger::client
