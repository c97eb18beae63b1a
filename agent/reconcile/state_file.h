// The agent's memory on disk: one small file, replaced whole.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "hotplugger/v1/agent_state.pb.h"

namespace hotplugger::agent {

// Where AgentState is kept. Not safe for concurrent use.
class StateStore {
 public:
  virtual ~StateStore() = default;

  // What was saved last; an empty state where nothing was.
  virtual absl::StatusOr<v1::AgentState> Load() = 0;

  // Durable when it returns ok; on an error the earlier state is still there.
  virtual absl::Status Save(const v1::AgentState& state) = 0;
};

// `state` in a directory, with a checksum: written beside, synced, renamed, directory synced, so
// that a crash or a full disk at any instant leaves the old file or the new one.
class StateFile final : public StateStore {
 public:
  // Makes the directory if it is missing, and locks it: FAILED_PRECONDITION (reason
  // STATE_DIR_IN_USE) while another agent has it.
  static absl::StatusOr<std::unique_ptr<StateFile>> Open(const std::string& directory);

  ~StateFile() override;
  StateFile(const StateFile&) = delete;
  StateFile& operator=(const StateFile&) = delete;

  // A damaged file is kept as `state.damaged`, for a person to look at, and DATA_LOSS returned;
  // the next Load finds nothing.
  absl::StatusOr<v1::AgentState> Load() override;
  absl::Status Save(const v1::AgentState& state) override;

 private:
  StateFile(std::string directory, int directory_fd, int lock_fd)
      : directory_(std::move(directory)), directory_fd_(directory_fd), lock_fd_(lock_fd) {}

  const std::string directory_;
  const int directory_fd_;
  const int lock_fd_;
};

}  // namespace hotplugger::agent
