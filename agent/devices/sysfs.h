// Reading /sys, or a tree that stands for it in tests. Writing is agent/writer's alone.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace hotplugger::agent {

// An open root directory; paths below it can't leave it by "..", absolute links or magic links.
// Safe for concurrent use.
class Sysfs {
 public:
  // Whether the root must be a sysfs file system. A regular directory bound over /sys would take
  // every write and change nothing (kernel 8, row 21), so only tests and dry inspection allow one.
  enum class Kind { kRealSysfs, kAnyDirectory };

  // Opens `path`. FAILED_PRECONDITION (reason NOT_SYSFS) if it is not what `kind` asks for.
  static absl::StatusOr<std::unique_ptr<Sysfs>> Open(const std::string& path, Kind kind);

  ~Sysfs();
  Sysfs(const Sysfs&) = delete;
  Sysfs& operator=(const Sysfs&) = delete;

  // The content of a file, trailing newline and all, at most 64 KiB. `path` is relative to the
  // root, e.g. "devices/system/cpu/online". NOT_FOUND and others as errno_status.h maps them.
  absl::StatusOr<std::string> Read(absl::string_view path) const;

  // Names in a directory, sorted, without "." and "..".
  absl::StatusOr<std::vector<std::string>> List(absl::string_view path) const;

  // Whether the path exists; an error where that can't be told.
  absl::StatusOr<bool> Exists(absl::string_view path) const;

  // For messages: the root as it was given.
  const std::string& root() const { return root_; }

 private:
  Sysfs(std::string root, int fd) : root_(std::move(root)), fd_(fd) {}

  const std::string root_;
  const int fd_;
};

}  // namespace hotplugger::agent
