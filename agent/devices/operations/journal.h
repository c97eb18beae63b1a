// What was done to devices, line by line in a file: who died in the middle of an operation finds
// here which one it was.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/clock.h"
#include "hotplugger/v1/device.pb.h"
#include "hotplugger/v1/host_service.pb.h"

namespace hotplugger::agent {

// What a device was before an act, and so what it goes back to.
struct DeviceBefore {
  // As ParseDeviceName takes it.
  std::string device;
  v1::DeviceState state = v1::DEVICE_STATE_UNSPECIFIED;
  // Of memory that was online in one zone. Without it the kernel would choose, and a block that
  // comes back into a kernel zone can seldom go again.
  v1::MemoryZone zone = v1::MEMORY_ZONE_UNSPECIFIED;

  bool operator==(const DeviceBefore&) const = default;
};

// What an operation comes from.
enum class OperationOrigin {
  // The spec; in lines of earlier versions a person on the host, too.
  kDecision = 0,
  // A driver, which may think otherwise a moment later.
  kDriver = 1,
  // An all-or-nothing group that is put back, as if it had never been.
  kUndo = 2,
  // A person on the host.
  kPerson = 3,
};

// Whether it is a decision that drivers must heed.
inline bool IsDecision(OperationOrigin origin) {
  return origin == OperationOrigin::kDecision || origin == OperationOrigin::kPerson;
}

// What an operation has made of a device.
struct LastChange {
  v1::DeviceState state = v1::DEVICE_STATE_UNSPECIFIED;
  OperationOrigin origin = OperationOrigin::kDecision;

  bool operator==(const LastChange&) const = default;
};

// An operation that was begun and of which no end is written.
struct UnfinishedOperation {
  uint64_t id = 0;
  std::string device;
  v1::DeviceState wanted = v1::DEVICE_STATE_UNSPECIFIED;
  // Of the group it was part of; 0: none.
  uint64_t group = 0;
};

// Appended to with one plain write a line: what is written outlives the agent's death at any
// instant. It need not outlive the machine's, since a reboot puts every device back (kernel 8.1
// asks for an fsync; see docs/architecture.md). Where the file can't be written, what is carried
// out for the spec, what is put back, and what a driver brings online, is remembered and written as
// soon as that is possible: a device that the spec has taken out is out for a reason. Nobody else
// may begin anything then. Not safe for concurrent use.
class Journal {
 public:
  // The file grows to so much, then its older part is dropped, but for what is away (TakenOffline).
  // Only that and an open group may need more.
  static constexpr size_t kMaxBytes = 512 * 1024;

  // What stood in the file's place when it was opened.
  enum class Found { kNothing, kOtherBoot, kThisBoot };

  // Opens `journal` in `directory`, made if missing. Lines of another boot, torn ones and any that
  // don't say what they should are dropped. A file that can't be written is no error, see saved;
  // one that can't be read is. `clock` (what time it is, for people) outlives this.
  static absl::StatusOr<std::unique_ptr<Journal>> Open(const std::string& directory,
                                                       const std::string& boot_id, Clock& clock);

  virtual ~Journal() = default;

  // Found when it was opened: operations without an end, and all-or-nothing groups without one.
  virtual const std::vector<UnfinishedOperation>& unfinished() const = 0;
  virtual const std::vector<uint64_t>& unfinished_groups() const = 0;
  virtual Found found() const = 0;

  // Ok where the file has all that is remembered; else why it hasn't.
  virtual absl::Status saved() const = 0;
  // Writes what the file lacks.
  virtual absl::Status Save() = 0;

  // Before the first write to the kernel: nothing is touched where this fails. Answers the
  // operation's id. Where the file can't be written see above.
  virtual absl::StatusOr<uint64_t> Begin(const DeviceBefore& before, v1::DeviceState wanted,
                                         uint64_t group, OperationOrigin origin) = 0;
  virtual absl::Status End(uint64_t id, const v1::ItemResult& result) = 0;

  // Around an all-or-nothing group.
  virtual absl::StatusOr<uint64_t> BeginGroup() = 0;
  virtual absl::Status EndGroup(uint64_t group) = 0;

  // The devices that a group (not 0) has changed, or may have, in the order of their first changes,
  // each as it was before the group.
  virtual std::vector<DeviceBefore> TouchedBy(uint64_t group) const = 0;

  // The latest first, at most `limit`. From memory.
  virtual std::vector<v1::OperationRecord> OperationsOf(absl::string_view device,
                                                        size_t limit) const = 0;

  // Devices that were online, were taken offline in this boot for the spec or by a driver, and have
  // not come back: each as it was before. By name.
  std::vector<DeviceBefore> TakenOffline() const { return TakenOfflineAfter(0); }
  // Those that went with an operation after this one.
  virtual std::vector<DeviceBefore> TakenOfflineAfter(uint64_t operation) const = 0;

  // The latest one's id; 0: there is none. They grow within a boot.
  virtual uint64_t last_operation() const = 0;

  // Devices that have been online in this boot, as far as operations tell.
  virtual std::set<std::string> SeenOnline() const = 0;

  // What the last operation that counts brought the device to, or found it in; nothing where it
  // failed. Groups that were put back don't count.
  virtual std::optional<LastChange> LastChangeOf(absl::string_view device) const = 0;

  // Where that was offline: what it came from.
  std::optional<OperationOrigin> TakenOfflineBy(absl::string_view device) const {
    const std::optional<LastChange> last = LastChangeOf(device);
    if (!last || last->state != v1::DEVICE_STATE_OFFLINE) return std::nullopt;
    return last->origin;
  }
};

}  // namespace hotplugger::agent
