#include "server/policy/device_settings_validator.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "common/byte_size.h"
#include "common/number_list.h"

namespace hotplugger::server {
namespace {

void CheckRange(const std::string& field, int value, int largest, absl::string_view what,
                Violations* violations) {
  if (value >= 1 && value <= largest) return;
  violations->push_back({field, absl::StrCat(value, " is not from 1 to ", largest, ", ", what)});
}

// Which CPUs are off is one setting, and can be said in one way only.
void CheckOnlyOneWay(const v1::CpuSettings& cpu, Violations* violations) {
  std::string first = cpu.offline().empty() ? "" : "offline";
  const auto check = [&first, violations](const std::string& field, bool given) {
    if (!given) return;
    if (first.empty()) {
      first = field;
      return;
    }
    violations->push_back(
        {absl::StrCat("policy.cpu.", field), absl::StrCat("is given together with ", first,
                                                          "; keep one of offline, online_count and "
                                                          "online_percent")});
  };
  check("online_count", cpu.has_online_count());
  check("online_percent", cpu.has_online_percent());
}

void CheckSmt(const v1::CpuSettings& cpu, Violations* violations) {
  switch (cpu.smt()) {
    case v1::SMT_CONTROL_UNSPECIFIED:
    case v1::SMT_CONTROL_ON:
    case v1::SMT_CONTROL_OFF:
    case v1::SMT_CONTROL_FORCEOFF:
      break;
    default:
      violations->push_back({"policy.cpu.smt", "is none of on, off and forceoff"});
  }
  const bool force = cpu.smt() == v1::SMT_CONTROL_FORCEOFF;
  if (force && !cpu.irreversible()) {
    violations->push_back({"policy.cpu.irreversible",
                           "must be true with smt forceoff, which only a reboot takes back; or "
                           "give smt off, which can be turned on again"});
  }
  if (!force && cpu.irreversible()) {
    violations->push_back(
        {"policy.cpu.irreversible", "may only be true with smt forceoff; leave it out"});
  }
}

}  // namespace

void CheckCpuSettings(const v1::CpuSettings& cpu, Violations* violations) {
  CheckUnknownFields("policy.cpu", cpu, violations);
  Check("policy.cpu.offline", ParseCpuList(cpu.offline()).status(), violations);
  if (cpu.has_online_count()) {
    CheckRange("policy.cpu.online_count", cpu.online_count(), kMaxOnlineCount,
               "the number of CPUs that stay online", violations);
  }
  if (cpu.has_online_percent()) {
    CheckRange("policy.cpu.online_percent", cpu.online_percent(), 100,
               "the share of the CPUs that stays online", violations);
  }
  CheckOnlyOneWay(cpu, violations);
  CheckSmt(cpu, violations);
  if (cpu.hot_add() != v1::HOT_ADD_UNSPECIFIED && cpu.hot_add() != v1::HOT_ADD_ONLINE) {
    violations->push_back({"policy.cpu.hot_add",
                           "is not online; zones are for memory, and CPUs that are to stay as the "
                           "kernel brings them need no setting"});
  }
  const bool asks = !cpu.offline().empty() || cpu.has_online_count() || cpu.has_online_percent() ||
                    cpu.smt() != v1::SMT_CONTROL_UNSPECIFIED || cpu.irreversible() ||
                    cpu.hot_add() != v1::HOT_ADD_UNSPECIFIED;
  if (!asks) {
    violations->push_back({"policy.cpu",
                           "asks for nothing; give offline, e.g. \"2-3,8\", online_count, "
                           "online_percent, smt or hot_add, or leave out cpu"});
  }
}

void CheckMemorySettings(const v1::MemorySettings& memory, Violations* violations) {
  CheckUnknownFields("policy.memory", memory, violations);
  Check("policy.memory.offline_blocks",
        ParseNumberList(memory.offline_blocks(), kMemoryBlockListRules).status(), violations);
  if (!memory.offline_bytes().empty()) {
    const auto bytes = ParseByteSize(memory.offline_bytes());
    Check("policy.memory.offline_bytes", bytes.status(), violations);
    if (bytes.ok() && *bytes == 0) {
      violations->push_back({"policy.memory.offline_bytes",
                             "is no memory at all; give a size, e.g. \"4Gi\", or leave it out"});
    }
    if (!memory.offline_blocks().empty()) {
      violations->push_back({"policy.memory.offline_bytes",
                             "is given together with offline_blocks; keep one of the two"});
    }
  }
  if (!v1::HotAdd_IsValid(memory.hot_add())) {
    violations->push_back(
        {"policy.memory.hot_add", "is none of online, online_kernel and online_movable"});
  }
  if (memory.offline_blocks().empty() && memory.offline_bytes().empty() &&
      memory.hot_add() == v1::HOT_ADD_UNSPECIFIED) {
    violations->push_back({"policy.memory",
                           "asks for nothing; give offline_blocks, e.g. \"32-39\", offline_bytes, "
                           "e.g. \"4Gi\", or hot_add, or leave out memory"});
  }
}

}  // namespace hotplugger::server
