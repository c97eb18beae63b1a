#include "client/interrupt.h"

#include <signal.h>

#include <thread>

namespace hotplugger::client {
namespace {

sigset_t InterruptSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  return signals;
}

}  // namespace

void Interrupt::Start() {
  struct sigaction now = {};
  if (sigaction(SIGINT, nullptr, &now) == 0 && now.sa_handler == SIG_IGN) return;
  const sigset_t signals = InterruptSignals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::thread([this] { WaitForSignals(); }).detach();
}

std::stop_token Interrupt::Catch() {
  MutexLock lock(&mutex_);
  caught_ = true;
  return source_.get_token();
}

void Interrupt::WaitForSignals() {
  const sigset_t signals = InterruptSignals();
  int signal_number = 0;
  while (sigwait(&signals, &signal_number) == 0) {
    {
      MutexLock lock(&mutex_);
      if (!caught_ || source_.stop_requested()) break;
    }
    source_.request_stop();
  }
  // Its default action, which ends the program.
  pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
  raise(SIGINT);
}

}  // namespace hotplugger::client
