// What agent and writer say to each other over a SOCK_SEQPACKET socket pair: one fixed-size
// request, one fixed-size reply, both on one machine and from one build.
#pragma once

#include <csignal>
#include <cstdint>

namespace hotplugger::agent {

// The only things that the writer writes. Paths are made by the writer from these typed fields.
enum class WriteAct : uint32_t {
  // sys/devices/system/cpu/cpuN/online, "0" or "1".
  kCpuOnline = 1,
  // sys/kernel/hotplugger/enable_driver or disable_driver, a driver's name.
  kKernelDriver = 2,
  // sys/devices/system/memory/memoryN/state; value is a MemoryWord.
  kMemoryState = 3,
  // sys/devices/system/cpu/smt/control; value is an SmtWord, number the threads of kThreads.
  kSmtControl = 4,
  // sys/bus/BUS/devices/NAME/online, "0" or "1".
  kDeviceOnline = 5,
  // `path`, which one of the patterns that the writer was started with must match; `text`.
  kKnob = 6,
};

enum class MemoryWord : uint32_t {
  kOffline = 0,
  kOnline = 1,
  kOnlineKernel = 2,
  kOnlineMovable = 3
};
enum class SmtWord : uint32_t { kOff = 0, kOn = 1, kForceOff = 2, kThreads = 3 };

// Sent to a writer in a memory offline that is past its deadline, or in a driver's file near it:
// the kernel gives up with EINTR, where it can. The writer lives on. Sent again until the reply
// comes, since one can arrive just before the write.
inline constexpr int kAbortSignal = SIGUSR1;

struct WriteRequest {
  // Comes back in the reply, so that a late reply is told from the awaited one.
  uint64_t sequence;
  WriteAct act;
  // N of cpuN and memoryN; threads of a core.
  int32_t number;
  // 1: online, running. 0: offline, stopped. Or a word, see above.
  uint32_t value;
  // A driver's or device's name, ended by NUL.
  char name[72];
  // A generic device's bus, ended by NUL.
  char bus[40];
  // A knob's file below the root, and what is written there without its newline; ended by NUL.
  char path[192];
  char text[64];
};

struct WriteReply {
  uint64_t sequence;
  // The kernel's errno, 0 for success.
  int32_t error_number;
};

}  // namespace hotplugger::agent
