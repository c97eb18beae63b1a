// Part of a test in a process with mounts of its own, which nobody else sees.
#pragma once

#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <functional>
#include <string>

namespace hotplugger::testing {

enum class InOwnMounts { kTrue, kFalse, kNotPermitted };

// What `part` answers there. It may mount things, and must not touch what threads of the test hold.
// kNotPermitted, with the reason printed, where this machine allows no such process.
inline InOwnMounts RunInOwnMounts(const std::function<bool()>& part) {
  constexpr int kNotPermitted = 77;
  const pid_t child = fork();
  if (child == 0) {
    const int spaces = geteuid() == 0 ? CLONE_NEWNS : CLONE_NEWUSER | CLONE_NEWNS;
    if (unshare(spaces) != 0 || mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
      perror("no mounts of its own");
      _exit(kNotPermitted);
    }
    _exit(part() ? 0 : 1);
  }
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child) return InOwnMounts::kNotPermitted;
  if (!WIFEXITED(status)) return InOwnMounts::kFalse;
  if (WEXITSTATUS(status) == kNotPermitted) return InOwnMounts::kNotPermitted;
  return WEXITSTATUS(status) == 0 ? InOwnMounts::kTrue : InOwnMounts::kFalse;
}

// Mounts a folder over itself, read-only. In a process with mounts of its own only.
inline bool MountReadOnly(const std::string& folder) {
  const char* const path = folder.c_str();
  return mount(path, path, nullptr, MS_BIND, nullptr) == 0 &&
         mount(nullptr, path, nullptr, MS_BIND | MS_REMOUNT | MS_RDONLY, nullptr) == 0;
}

}  // namespace hotplugger::testing
