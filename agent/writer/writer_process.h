// The agent's end: keeps a hotplugger-writer running and speaks to it.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "agent/devices/kernel_writer.h"
#include "agent/writer/protocol.h"
#include "common/clock.h"

namespace hotplugger::agent {

// Not safe for concurrent use, as KernelWriter says. A writer that has died is started again at
// the next act; the act during which it died is answered WRITER_ENDED and never repeated, since
// its effect is not known.
class WriterProcess final : public KernelWriter {
 public:
  // Starts `program` on the tree `root`. NOT_FOUND and others where that can't be done.
  static absl::StatusOr<std::unique_ptr<WriterProcess>> Create(std::string program,
                                                               std::string root);

  // Closes the socket, which ends an idle writer, and kills one that is stuck.
  ~WriterProcess() override;

  absl::StatusOr<int> SetCpuOnline(int cpu, bool online, absl::Time deadline) override;
  absl::StatusOr<int> SetKernelDriver(absl::string_view driver, bool running,
                                      absl::Time deadline) override;

  pid_t pid() const { return pid_; }

 private:
  WriterProcess(std::string program, std::string root)
      : program_(std::move(program)), root_(std::move(root)) {}

  absl::Status Start();
  void End();
  absl::StatusOr<int> Ask(WriteRequest request, absl::string_view act, absl::Time deadline);
  // The reply to `sequence`, or an error. Late replies to earlier requests are dropped.
  absl::StatusOr<int> AwaitReply(uint64_t sequence, absl::string_view act, absl::Time deadline);

  const std::string program_;
  const std::string root_;
  pid_t pid_ = -1;
  int socket_ = -1;
  uint64_t sequence_ = 0;
  // The act that has had no answer by its deadline; empty: none.
  std::string stuck_act_;
};

}  // namespace hotplugger::agent
