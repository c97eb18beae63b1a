// What agent and writer say to each other over a SOCK_SEQPACKET socket pair: one fixed-size
// request, one fixed-size reply, both on one machine and from one build.
#pragma once

#include <cstdint>

namespace hotplugger::agent {

// The only things that the writer writes.
enum class WriteAct : uint32_t {
  // devices/system/cpu/cpuN/online, "0" or "1".
  kCpuOnline = 1,
  // kernel/hotplugger/enable_driver or disable_driver, a driver's name.
  kKernelDriver = 2,
};

struct WriteRequest {
  // Comes back in the reply, so that a late reply is told from the awaited one.
  uint64_t sequence;
  WriteAct act;
  // kCpuOnline: the CPU's number.
  int32_t cpu;
  // 1: online, running. 0: offline, stopped.
  uint32_t value;
  // kKernelDriver: the name, ended by NUL.
  char driver[32];
};

struct WriteReply {
  uint64_t sequence;
  // The kernel's errno, 0 for success.
  int32_t error_number;
};

}  // namespace hotplugger::agent
