// What the lines of a journal say, put together, and back into lines.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "agent/devices/operations/journal.h"
#include "hotplugger/v1/device.pb.h"

namespace hotplugger::agent {

struct JournalOperation {
  uint64_t id = 0;
  DeviceBefore before;
  v1::DeviceState wanted = v1::DEVICE_STATE_UNSPECIFIED;
  uint64_t group = 0;
  OperationOrigin origin = OperationOrigin::kDecision;
  int64_t time_ms = 0;
  bool ended = false;
  // Once it has ended.
  v1::ItemResult result;
};

// Not safe for concurrent use.
class JournalContents {
 public:
  // So many operations are remembered at least, and less than twice as many. More while a group is
  // open, whose operations may all have to be undone; and however old it is, the one that took a
  // device offline which is still away.
  static constexpr size_t kMaxOperations = 1024;
  // Of a message so much is kept, in bytes.
  static constexpr size_t kMaxMessage = 1024;

  // Each a line, with its newline.
  static std::string BeginLine(const JournalOperation& operation);
  static std::string EndLine(uint64_t id, const v1::ItemResult& result);
  static std::string GroupLine(uint64_t group);
  static std::string GroupEndLine(uint64_t group);

  // Adds what the lines say. Nothing of a line that is torn, damaged, or of another boot. Whether
  // there is anything of this boot, if only its beginning.
  bool Read(absl::string_view text, absl::string_view boot_id);

  void Begin(JournalOperation operation);
  void End(uint64_t id, const v1::ItemResult& result);
  void BeginGroup(uint64_t group);
  void EndGroup(uint64_t group);

  // One that no operation and no group has.
  uint64_t NextId() { return last_id_ + 1; }

  const std::deque<JournalOperation>& operations() const { return operations_; }
  const std::vector<uint64_t>& open_groups() const { return open_groups_; }
  std::vector<DeviceBefore> TouchedBy(uint64_t group) const;
  std::optional<LastChange> LastChangeOf(absl::string_view device) const;
  std::vector<DeviceBefore> TakenOfflineAfter(uint64_t operation) const;
  uint64_t last_operation() const { return operations_.empty() ? 0 : operations_.back().id; }
  std::set<std::string> SeenOnline() const;

  // Lines for a file that begins anew: what is unfinished, what took away devices that have not
  // come back, and the latest of the rest up to about `max_bytes`.
  std::string ToText(absl::string_view boot_id, size_t max_bytes) const;

 private:
  using Fields = std::vector<absl::string_view>;

  void ReadLine(const Fields& fields);
  void ReadBegin(uint64_t id, const Fields& fields);
  void ReadEnd(uint64_t id, const Fields& fields);
  bool IsOpen(uint64_t group) const;
  // What took each device offline, for the spec or a driver, that has not come back. By name.
  std::map<std::string, const JournalOperation*> Takers() const;
  std::set<uint64_t> TakerIds() const;
  void Trim();

  std::deque<JournalOperation> operations_;
  std::vector<uint64_t> open_groups_;
  uint64_t last_id_ = 0;
  // Operations that make the older ones be dropped.
  size_t full_ = 2 * kMaxOperations;
};

}  // namespace hotplugger::agent
