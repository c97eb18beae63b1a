// The agent's end: keeps a hotplugger-writer running and speaks to it.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "agent/devices/operations/kernel_writer.h"
#include "agent/writer/protocol.h"
#include "common/clock.h"

namespace hotplugger::agent {

// Not safe for concurrent use, as KernelWriter says. Deadlines are times of SteadyNow. A writer
// that has died is started again at the next act; the act during which it died is answered
// WRITER_ENDED and never repeated, since its effect is not known.
class WriterProcess final : public KernelWriter {
 public:
  // For so long a memory offline that is past its deadline is told to end; then it is STUCK.
  static constexpr absl::Duration kAbortPatience = absl::Seconds(5);
  // For so long acts wait for one that got stuck, though never past their own deadlines; after that
  // they are refused at once until it ends.
  static constexpr absl::Duration kStuckPatience = absl::Seconds(60);

  struct Patience {
    absl::Duration abort = kAbortPatience;
    absl::Duration stuck = kStuckPatience;
  };

  // Starts `program` on the tree `root`. NOT_FOUND and others where that can't be done.
  static absl::StatusOr<std::unique_ptr<WriterProcess>> Create(std::string program,
                                                               std::string root, Patience patience);
  static absl::StatusOr<std::unique_ptr<WriterProcess>> Create(std::string program,
                                                               std::string root) {
    return Create(std::move(program), std::move(root), Patience());
  }

  // Closes the socket, which ends an idle writer, and kills one that is stuck.
  ~WriterProcess() override;

  absl::StatusOr<Answer> Change(const DeviceChange& change, absl::Time deadline) override;
  absl::StatusOr<Answer> SetSmt(const SmtChange& change, absl::Time deadline) override;
  absl::StatusOr<int> SetKernelDriver(absl::string_view driver, bool running,
                                      absl::Time deadline) override;
  absl::StatusOr<int> SetKnob(const std::string& path, const std::string& value,
                              absl::Time deadline) override;
  // The next act starts a writer that knows the new ones; one that is stuck goes on as it is.
  void AllowKnobs(std::vector<std::string> patterns) override;

  pid_t pid() const { return pid_; }

 private:
  WriterProcess(std::string program, std::string root, Patience patience)
      : program_(std::move(program)), root_(std::move(root)), patience_(patience) {}

  absl::Status Start();
  void End();
  // Whether an act that isn't done in time can be ended by kAbortSignal: once its deadline is over,
  // or a moment before, so that it is over by then.
  enum class Abort { kNever, kAfterDeadline, kBeforeDeadline };

  absl::StatusOr<Answer> Ask(WriteRequest request, absl::string_view act, absl::Time deadline,
                             Abort abort);
  // The answer to a driver's file, of which an aborted write is an error.
  absl::StatusOr<int> AskDriver(const WriteRequest& request, absl::string_view act,
                                absl::Time deadline);
  // An error while an earlier act has still no answer.
  absl::Status WaitForStuckAct(absl::Time deadline);
  absl::Status Send(const WriteRequest& request);
  // The reply to `sequence`, or an error. Late replies to earlier requests are dropped.
  absl::StatusOr<int> AwaitReply(uint64_t sequence, absl::string_view act, absl::Time deadline);
  // Sends kAbortSignal until the reply comes, or `give_up`.
  absl::StatusOr<int> AbortAndAwaitReply(uint64_t sequence, absl::string_view act,
                                         absl::Time give_up);
  absl::Status WriterEnded(absl::string_view act);

  const std::string program_;
  const std::string root_;
  const Patience patience_;
  pid_t pid_ = -1;
  int socket_ = -1;
  uint64_t sequence_ = 0;
  std::vector<std::string> knobs_;
  // Since the writer was started.
  bool knobs_changed_ = false;
  // The act that has had no answer by its deadline; empty: none. Since when, and whether it can be
  // ended by kAbortSignal.
  std::string stuck_act_;
  absl::Time stuck_since_;
  bool stuck_abortable_ = false;
};

}  // namespace hotplugger::agent
