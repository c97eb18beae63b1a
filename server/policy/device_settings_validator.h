// What a policy wants of CPUs and memory: whether it makes sense by itself.
#pragma once

#include "common/cpu_list.h"
#include "hotplugger/v1/policy.pb.h"
#include "server/policy/violations.h"

namespace hotplugger::server {

inline constexpr int kMaxOnlineCount = kMaxCpuNumber + 1;

// Every problem at once, with paths from "policy.cpu" and "policy.memory".
void CheckCpuSettings(const v1::CpuSettings& cpu, Violations* violations);
void CheckMemorySettings(const v1::MemorySettings& memory, Violations* violations);

}  // namespace hotplugger::server
