#include "agent/devices/operations/journal_contents.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "agent/devices/rules/device_name.h"
#include "common/text.h"

namespace hotplugger::agent {
namespace {

// A line is a word and fields, apart by tabs: "boot ID"; "begin ID DEVICE BEFORE ZONE WANTED GROUP
// MS ORIGIN", of earlier versions without the last; "end ID OUTCOME REASON ERRNO RETRY MESSAGE";
// "group ID"; "group-end ID".
constexpr char kBoot[] = "boot";
constexpr char kBegin[] = "begin";
constexpr char kEnd[] = "end";
constexpr char kGroup[] = "group";
constexpr char kGroupEnd[] = "group-end";
constexpr size_t kBeginFields = 9;

// Larger ones were not written by this code.
constexpr uint64_t kMaxId = uint64_t{1} << 53;

// An enum's number; false for one that it hasn't got.
template <typename Enum>
bool ReadEnum(absl::string_view field, bool (*is_valid)(int), Enum* value) {
  int number = 0;
  if (!absl::SimpleAtoi(field, &number) || !is_valid(number)) return false;
  *value = static_cast<Enum>(number);
  return true;
}

bool ReadOrigin(absl::string_view field, OperationOrigin* origin) {
  int number = 0;
  if (!absl::SimpleAtoi(field, &number) || number < 0 ||
      number > static_cast<int>(OperationOrigin::kPerson)) {
    return false;
  }
  *origin = static_cast<OperationOrigin>(number);
  return true;
}

bool ReadId(absl::string_view field, uint64_t* id) {
  return absl::SimpleAtoi(field, id) && *id <= kMaxId;
}

// Never cuts a character in two: messages travel as UTF-8.
absl::string_view Shortened(absl::string_view message) {
  if (message.size() <= JournalContents::kMaxMessage) return message;
  size_t length = JournalContents::kMaxMessage;
  while (length > 0 && (static_cast<unsigned char>(message[length]) & 0xC0) == 0x80) --length;
  return message.substr(0, length);
}

bool IsUtf8(absl::string_view text) {
  while (!text.empty()) {
    const size_t length = Utf8SequenceLength(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

}  // namespace

std::string JournalContents::BeginLine(const JournalOperation& operation) {
  return absl::StrCat(kBegin, "\t", operation.id, "\t", operation.before.device, "\t",
                      static_cast<int>(operation.before.state), "\t",
                      static_cast<int>(operation.before.zone), "\t",
                      static_cast<int>(operation.wanted), "\t", operation.group, "\t",
                      operation.time_ms, "\t", static_cast<int>(operation.origin), "\n");
}

std::string JournalContents::EndLine(uint64_t id, const v1::ItemResult& result) {
  return absl::StrCat(kEnd, "\t", id, "\t", static_cast<int>(result.outcome()), "\t",
                      result.reason(), "\t", result.error_number(), "\t",
                      static_cast<int>(result.retry()), "\t",
                      absl::CEscape(Shortened(result.message())), "\n");
}

std::string JournalContents::GroupLine(uint64_t group) {
  return absl::StrCat(kGroup, "\t", group, "\n");
}

std::string JournalContents::GroupEndLine(uint64_t group) {
  return absl::StrCat(kGroupEnd, "\t", group, "\n");
}

bool JournalContents::Read(absl::string_view text, absl::string_view boot_id) {
  // What follows the last newline is torn, and could be taken for another number.
  text = text.substr(0, text.find_last_of('\n') + 1);
  bool this_boot = false;
  bool found = false;
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    const Fields fields = absl::StrSplit(line, '\t');
    if (fields[0] == kBoot && fields.size() == 2) this_boot = fields[1] == boot_id;
    if (this_boot) ReadLine(fields);
    found |= this_boot;
  }
  return found;
}

void JournalContents::ReadLine(const Fields& fields) {
  uint64_t id = 0;
  if (fields.size() < 2 || !ReadId(fields[1], &id) || id == 0) return;
  if (fields[0] == kBegin && (fields.size() == kBeginFields || fields.size() == kBeginFields - 1))
    ReadBegin(id, fields);
  if (fields[0] == kEnd && fields.size() == 7) ReadEnd(id, fields);
  if (fields[0] == kGroup && fields.size() == 2) BeginGroup(id);
  if (fields[0] == kGroupEnd && fields.size() == 2) EndGroup(id);
}

void JournalContents::ReadBegin(uint64_t id, const Fields& fields) {
  JournalOperation operation;
  operation.id = id;
  operation.before.device = std::string(fields[2]);
  const bool read = ParseDeviceName(fields[2]).ok() &&
                    ReadEnum(fields[3], &v1::DeviceState_IsValid, &operation.before.state) &&
                    ReadEnum(fields[4], &v1::MemoryZone_IsValid, &operation.before.zone) &&
                    ReadEnum(fields[5], &v1::DeviceState_IsValid, &operation.wanted) &&
                    ReadId(fields[6], &operation.group) &&
                    absl::SimpleAtoi(fields[7], &operation.time_ms) &&
                    (fields.size() < kBeginFields || ReadOrigin(fields[8], &operation.origin));
  if (read) Begin(std::move(operation));
}

void JournalContents::ReadEnd(uint64_t id, const Fields& fields) {
  v1::Outcome outcome = v1::OUTCOME_UNSPECIFIED;
  v1::RetryClass retry = v1::RETRY_CLASS_UNSPECIFIED;
  int error_number = 0;
  std::string message;
  const bool read = ReadEnum(fields[2], &v1::Outcome_IsValid, &outcome) &&
                    absl::SimpleAtoi(fields[4], &error_number) &&
                    ReadEnum(fields[5], &v1::RetryClass_IsValid, &retry) &&
                    absl::CUnescape(fields[6], &message);
  if (!read || !IsUtf8(fields[3]) || !IsUtf8(message)) return;
  v1::ItemResult result;
  result.set_outcome(outcome);
  result.set_reason(std::string(fields[3]));
  result.set_error_number(error_number);
  result.set_retry(retry);
  result.set_message(message);
  End(id, result);
}

void JournalContents::Begin(JournalOperation operation) {
  last_id_ = std::max(last_id_, operation.id);
  operations_.push_back(std::move(operation));
  Trim();
}

void JournalContents::End(uint64_t id, const v1::ItemResult& result) {
  // The latest are the likeliest.
  for (auto it = operations_.rbegin(); it != operations_.rend(); ++it) {
    if (it->id != id) continue;
    it->ended = true;
    it->result = result;
    it->result.set_subject(it->before.device);
    return;
  }
}

void JournalContents::BeginGroup(uint64_t group) {
  last_id_ = std::max(last_id_, group);
  if (!IsOpen(group)) open_groups_.push_back(group);
}

void JournalContents::EndGroup(uint64_t group) {
  open_groups_.erase(std::remove(open_groups_.begin(), open_groups_.end(), group),
                     open_groups_.end());
  Trim();
}

bool JournalContents::IsOpen(uint64_t group) const {
  return std::find(open_groups_.begin(), open_groups_.end(), group) != open_groups_.end();
}

void JournalContents::Trim() {
  if (!open_groups_.empty() || operations_.size() < full_) return;
  const std::set<uint64_t> takers = TakerIds();
  std::deque<JournalOperation> kept;
  size_t older = operations_.size() - kMaxOperations;
  for (JournalOperation& operation : operations_) {
    const bool is_old = older > 0;
    if (is_old) --older;
    if (!is_old || takers.count(operation.id) > 0) kept.push_back(std::move(operation));
  }
  operations_ = std::move(kept);
  // Twice what must be kept, so that many devices aren't gone through with each operation.
  full_ = std::max(2 * kMaxOperations, 2 * operations_.size());
}

std::vector<DeviceBefore> JournalContents::TouchedBy(uint64_t group) const {
  std::vector<DeviceBefore> touched;
  if (group == 0) return touched;
  std::set<absl::string_view> seen;
  for (const JournalOperation& operation : operations_) {
    // Of a failed one it isn't sure that it did nothing: its writer may have died.
    const v1::Outcome outcome = operation.result.outcome();
    const bool maybe_changed =
        !operation.ended || outcome == v1::OUTCOME_CHANGED || outcome == v1::OUTCOME_FAILED;
    if (operation.group != group || !maybe_changed) continue;
    // A second act of the group on the device is a second try, or the undoing of the first.
    if (seen.insert(operation.before.device).second) touched.push_back(operation.before);
  }
  return touched;
}

std::optional<LastChange> JournalContents::LastChangeOf(absl::string_view device) const {
  uint64_t put_back = 0;
  for (auto it = operations_.rbegin(); it != operations_.rend(); ++it) {
    if (it->before.device != device || (put_back != 0 && it->group == put_back)) continue;
    if (it->origin == OperationOrigin::kUndo) {
      put_back = it->group;
      continue;
    }
    const v1::Outcome outcome = it->result.outcome();
    const bool is_so = outcome == v1::OUTCOME_CHANGED || outcome == v1::OUTCOME_ALREADY;
    if (!is_so) return std::nullopt;
    return LastChange{it->wanted, it->origin};
  }
  return std::nullopt;
}

std::map<std::string, const JournalOperation*> JournalContents::Takers() const {
  std::map<std::string, const JournalOperation*> takers;
  for (const JournalOperation& operation : operations_) {
    const DeviceBefore& before = operation.before;
    const v1::Outcome outcome = operation.result.outcome();
    const bool is_so = outcome == v1::OUTCOME_CHANGED || outcome == v1::OUTCOME_ALREADY;
    if (is_so && operation.wanted == v1::DEVICE_STATE_ONLINE) {
      takers.erase(before.device);
      continue;
    }
    const bool ours = operation.origin == OperationOrigin::kDecision ||
                      operation.origin == OperationOrigin::kDriver;
    const bool went =
        before.state == v1::DEVICE_STATE_ONLINE && operation.wanted == v1::DEVICE_STATE_OFFLINE;
    // Of a failed one it isn't sure that it did nothing.
    const bool maybe_done = !operation.ended || is_so || outcome == v1::OUTCOME_FAILED;
    if (ours && went && maybe_done) takers.emplace(before.device, &operation);
  }
  return takers;
}

std::set<uint64_t> JournalContents::TakerIds() const {
  std::set<uint64_t> ids;
  for (const auto& [device, taker] : Takers()) ids.insert(taker->id);
  return ids;
}

std::vector<DeviceBefore> JournalContents::TakenOfflineAfter(uint64_t operation) const {
  std::vector<DeviceBefore> taken;
  for (const auto& [device, taker] : Takers()) {
    if (taker->id > operation) taken.push_back(taker->before);
  }
  return taken;
}

std::set<std::string> JournalContents::SeenOnline() const {
  std::set<std::string> seen;
  for (const JournalOperation& operation : operations_) {
    const bool came_online = operation.wanted == v1::DEVICE_STATE_ONLINE &&
                             operation.result.outcome() == v1::OUTCOME_CHANGED;
    if (operation.before.state == v1::DEVICE_STATE_ONLINE || came_online) {
      seen.insert(operation.before.device);
    }
  }
  return seen;
}

std::string JournalContents::ToText(absl::string_view boot_id, size_t max_bytes) const {
  const std::set<uint64_t> takers = TakerIds();
  std::vector<std::string> latest_first;
  size_t size = 0;
  // Nothing older than what is left out, or a device that has come back would be away again.
  bool full = false;
  for (auto it = operations_.rbegin(); it != operations_.rend(); ++it) {
    std::string lines = BeginLine(*it);
    if (it->ended) lines += EndLine(it->id, it->result);
    const bool needed = !it->ended || IsOpen(it->group) || takers.count(it->id) > 0;
    full |= size + lines.size() > max_bytes;
    if (full && !needed) continue;
    size += lines.size();
    latest_first.push_back(std::move(lines));
  }
  std::string text = absl::StrCat(kBoot, "\t", boot_id, "\n");
  for (const uint64_t group : open_groups_) text += GroupLine(group);
  for (auto it = latest_first.rbegin(); it != latest_first.rend(); ++it) text += *it;
  return text;
}

}  // namespace hotplugger::agent
