// The agent's memory on disk: one small file, replaced whole, and the one before it.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/scoped_fd.h"
#include "hotplugger/v1/agent_state.pb.h"

namespace hotplugger::agent {

// Where AgentState is kept. Not safe for concurrent use.
class StateStore {
 public:
  struct Loaded {
    enum class From {
      // Nothing that can be read: the state is empty.
      kNowhere,
      // What was saved last.
      kLatest,
      // What was saved before that.
      kPrevious,
    };
    v1::AgentState state;
    From from = From::kNowhere;
    // Why that isn't what was saved last. Ok also where nothing was ever saved.
    absl::Status damage;
  };

  virtual ~StateStore() = default;

  // What was saved last, or the best that is left of it. An error: it can't be told.
  virtual absl::StatusOr<Loaded> Load() = 0;

  // Durable when it returns ok; on an error the earlier state is still there.
  virtual absl::Status Save(const v1::AgentState& state) = 0;
};

// `state` in a directory, with a checksum: written beside, synced, renamed, directory synced, so
// that a crash or a full disk at any instant leaves the old file or the new one. The one before is
// `state.previous`.
class StateFile final : public StateStore {
 public:
  // A larger one is neither written nor read.
  static constexpr size_t kMaxBytes = 16 * 1024 * 1024;

  // Makes the directory if it is missing, and locks the directory itself, for which nothing need be
  // written: FAILED_PRECONDITION (reason STATE_DIR_IN_USE) while another agent has it.
  static absl::StatusOr<std::unique_ptr<StateFile>> Open(const std::string& directory);

  // A damaged file is kept as `state.damaged`, for a person to look at, and the previous one taken.
  // FAILED_PRECONDITION (NOT_A_FILE) where something else stands in its place, or the errno's name
  // where it can't be read for another reason than damage: then nothing is touched.
  absl::StatusOr<Loaded> Load() override;
  absl::Status Save(const v1::AgentState& state) override;

 private:
  StateFile(std::string directory, ScopedFd directory_fd)
      : directory_(std::move(directory)), directory_fd_(std::move(directory_fd)) {}

  std::string PathOf(const char* file) const;
  // NOT_FOUND where there is none, DATA_LOSS (STATE_DAMAGED) where it is damaged, else as Load.
  absl::StatusOr<v1::AgentState> Read(const char* file) const;
  absl::Status SetAside(const absl::Status& damage);
  absl::Status WriteNew(const std::string& content) const;
  void KeepPrevious() const;

  const std::string directory_;
  // Locked.
  const ScopedFd directory_fd_;
  // The file that is to be replaced is damaged, and so not one to keep.
  bool is_damaged_ = false;
};

}  // namespace hotplugger::agent
