// Reading below one directory: the host's root, or a tree that stands for it (--sysroot). Writing
// is agent/writer's alone.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace hotplugger::agent {

// An open directory; paths below it can't leave it by "..", absolute links or magic links. Paths
// are relative to it, e.g. "sys/devices/system/cpu/online". Safe for concurrent use.
class FileTree {
 public:
  // The largest file that Read reads, and the largest that VisitLines does.
  static constexpr size_t kMaxFileBytes = 1024 * 1024;
  static constexpr size_t kMaxLinesBytes = 64 * 1024 * 1024;

  // Opens `path`.
  static absl::StatusOr<std::unique_ptr<FileTree>> Open(const std::string& path);

  ~FileTree();
  FileTree(const FileTree&) = delete;
  FileTree& operator=(const FileTree&) = delete;

  // The directory `path` as a tree of its own: reading many of its files by short paths costs a
  // third less. NOT_FOUND and others as errno_status.h maps them.
  absl::StatusOr<std::unique_ptr<FileTree>> OpenFolder(absl::string_view path) const;

  // The content of a file, trailing newline and all, at most kMaxFileBytes. NOT_FOUND and others as
  // errno_status.h maps them.
  absl::StatusOr<std::string> Read(absl::string_view path) const;

  // As Read, but nothing where there is no such file.
  absl::StatusOr<std::optional<std::string>> ReadIfThere(absl::string_view path) const;

  // Hands each line of a file, without its newline, to `visit`, until it answers an error, which is
  // the result. For files that grow with the host, such as proc/zoneinfo. A line has at most
  // kMaxFileBytes.
  absl::Status VisitLines(absl::string_view path,
                          absl::FunctionRef<absl::Status(absl::string_view line)> visit) const;

  // Hands each name in a directory, without "." and "..", to `visit`, in no order. Links to folders
  // are no folders.
  absl::Status Visit(absl::string_view path,
                     absl::FunctionRef<void(absl::string_view name, bool is_folder)> visit) const;

  // The same as a list, sorted.
  absl::StatusOr<std::vector<std::string>> List(absl::string_view path) const;
  absl::StatusOr<std::vector<std::string>> ListFolders(absl::string_view path) const;

  // Where the link `path` points to, as it is written there; nothing where it is no link or isn't
  // there.
  absl::StatusOr<std::optional<std::string>> ReadLink(absl::string_view path) const;

  // Whether the path exists; an error where that can't be told.
  absl::StatusOr<bool> Exists(absl::string_view path) const;

  // FAILED_PRECONDITION (reason NOT_SYSFS) unless the directory `path` is a sysfs file system. A
  // regular directory bound over /sys would take every write and change nothing (kernel 8, row 21).
  absl::Status CheckIsSysfs(absl::string_view path) const;

  // Whether the file system of `path` is mounted read-only there. NOT_FOUND and others as
  // errno_status.h maps them.
  absl::StatusOr<bool> IsReadOnly(absl::string_view path) const;

  // For messages: the full path of `path`.
  std::string FullPath(absl::string_view path) const;

 private:
  FileTree(std::string root, int fd, bool in_proc)
      : root_(std::move(root)), fd_(fd), in_proc_(in_proc) {}

  bool IsInProc(absl::string_view path) const;

  const std::string root_;
  const int fd_;
  // Whether the tree itself lies in proc/.
  const bool in_proc_;
};

}  // namespace hotplugger::agent
