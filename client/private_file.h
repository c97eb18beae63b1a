// Files of one person, which several programs of theirs may change at once.
#pragma once

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/clock.h"
#include "common/scoped_fd.h"

namespace hotplugger::client {

// FAILED_PRECONDITION (UNSAFE_PERMISSIONS) where somebody else could write the file at `path`, or
// put another in its place: it, or the folder that it is in, belongs to somebody else than the user
// and root, or can be written by group or world (but for folders like /tmp, where only its owner
// can replace a file). What isn't there is no danger.
absl::Status CheckOnlyOwnerWrites(const std::string& path);

// How a lock is waited for.
struct LockWait {
  Clock& steady_clock;
  const std::function<void(absl::Duration)>& pause;
  absl::Duration longest = absl::Seconds(5);
};

// Keeps others that ask for it from the file at `path` for as long as the result lives, also where
// the program is killed. The lock is a file of its own beside it, which stays. Makes the file's
// folder. ABORTED (FILE_LOCKED) where another has it for too long.
absl::StatusOr<ScopedFd> LockPrivateFile(const std::string& path, const LockWait& wait);

// Replaces the file at `path` whole, or leaves it as it was: whoever reads it meanwhile finds the
// old content or the new. Nobody but the user can read it (0600). A symbolic link stays one. What a
// writer that was killed has left beside it is replaced. Errors have the errno's name as reason.
// REQUIRES: it is locked.
absl::Status WritePrivateFile(const std::string& path, absl::string_view content);

}  // namespace hotplugger::client
