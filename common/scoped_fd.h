// A file descriptor that closes itself.
#pragma once

#include <unistd.h>

#include <utility>

namespace hotplugger {

// Holds a descriptor, or none (below 0). What close() answers is not seen: where that matters,
// Release it and close it by hand.
class ScopedFd {
 public:
  explicit ScopedFd(int fd) : fd_(fd) {}
  ~ScopedFd() { Reset(-1); }
  ScopedFd(ScopedFd&& other) noexcept : fd_(other.Release()) {}
  ScopedFd& operator=(ScopedFd&& other) noexcept {
    Reset(other.Release());
    return *this;
  }
  ScopedFd(const ScopedFd&) = delete;
  ScopedFd& operator=(const ScopedFd&) = delete;

  int get() const { return fd_; }
  int Release() { return std::exchange(fd_, -1); }

 private:
  void Reset(int fd) {
    const int old = std::exchange(fd_, fd);
    if (old >= 0) close(old);
  }

  int fd_;
};

}  // namespace hotplugger
