// A disk without room for one file.
#pragma once

#include <sys/resource.h>

#include <csignal>
#include <filesystem>
#include <string>

namespace hotplugger::agent {

// While this lives no file of this process can grow beyond what `file` has now, and `room` bytes
// more: a longer write is cut, and the next fails. Files that are shorter are as ever.
class FullDisk {
 public:
  explicit FullDisk(const std::string& file, size_t room = 0) {
    old_action_ = signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &old_limit_);
    rlimit limit = old_limit_;
    limit.rlim_cur = std::filesystem::file_size(file) + room;
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FullDisk() {
    setrlimit(RLIMIT_FSIZE, &old_limit_);
    signal(SIGXFSZ, old_action_);
  }
  FullDisk(const FullDisk&) = delete;
  FullDisk& operator=(const FullDisk&) = delete;

 private:
  rlimit old_limit_ = {};
  sighandler_t old_action_ = SIG_DFL;
};

}  // namespace hotplugger::agent
