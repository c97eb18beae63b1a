// The table of causes itself: data. How it is used is told in causes.h.
#include <cerrno>

#include "agent/devices/rules/causes.h"

namespace hotplugger::agent {
namespace {

using absl::StatusCode;

constexpr auto kTransient = v1::RETRY_CLASS_TRANSIENT;
constexpr auto kConditional = v1::RETRY_CLASS_CONDITIONAL;
constexpr auto kPermanent = v1::RETRY_CLASS_PERMANENT;

// CPUs and SMT.
constexpr Cause kLastOnlineCpu = {"LAST_ONLINE_CPU", StatusCode::kFailedPrecondition,
                                  "a host runs on one CPU at least; bring another one online first",
                                  kConditional};
constexpr Cause kLastHousekeepingCpu = {
    "LAST_HOUSEKEEPING_CPU", StatusCode::kFailedPrecondition,
    "the kernel's own work needs a CPU that is neither isolated nor nohz_full; bring another such "
    "CPU online first, or isolate fewer",
    kConditional};
constexpr Cause kTimekeeperCpu = {
    "TIMEKEEPER_CPU", StatusCode::kFailedPrecondition,
    "it probably keeps the time for the nohz_full CPUs, and must stay as long as they run; choose "
    "another CPU, or boot with another nohz_full= list",
    kConditional};
constexpr Cause kHyperVChannel = {
    "HYPERV_CHANNEL", StatusCode::kFailedPrecondition,
    "a Hyper-V VMBus channel is bound to it, or the VMBus connection itself; bind its channels to "
    "other CPUs (/sys/bus/vmbus/devices/ID/channels/N/cpu), or choose another CPU",
    kConditional};
constexpr Cause kOfflineBusy = {
    "HOTPLUG_BUSY", StatusCode::kUnavailable,
    "hotplug is disabled for a moment (suspend, kexec, PCI probing), and the agent tries again; if "
    "it stays so, SCHED_DEADLINE tasks would not fit on the remaining CPUs: move or stop some",
    kTransient};
constexpr Cause kOnlineBusy = {"HOTPLUG_BUSY", StatusCode::kUnavailable,
                               "hotplug is disabled (suspend, kexec, PCI probing) for longer than "
                               "the kernel itself waits; the agent tries again",
                               kTransient};
constexpr Cause kSmtBusy = {
    "HOTPLUG_BUSY", StatusCode::kUnavailable,
    "the kernel could not switch one of the secondary threads just now; those before it have been "
    "switched already, and the agent goes on from there",
    kTransient};
constexpr Cause kOfflineDisabled = {
    "OFFLINE_DISABLED", StatusCode::kFailedPrecondition,
    "the kernel has offlining disabled for it, and no write changes that; leave it online",
    kPermanent};
constexpr Cause kThreadDisabled = {
    "OFFLINE_DISABLED", StatusCode::kFailedPrecondition,
    "the kernel has offlining disabled for one of the secondary threads; those before it have gone "
    "offline already: bring them online again",
    kPermanent};
constexpr Cause kOfflineUnsupported = {
    "OFFLINE_UNSUPPORTED", StatusCode::kUnimplemented,
    "this platform takes no CPU offline: a confidential guest (TDX), or firmware that wakes CPUs "
    "up by mailbox and can't reset them; leave CPUs online here",
    kPermanent};
constexpr Cause kNoVectors = {
    "NO_INTERRUPT_VECTORS", StatusCode::kResourceExhausted,
    "the remaining CPUs have too few free interrupt vectors for its interrupts; give network and "
    "storage devices fewer queues, or take fewer CPUs offline",
    kConditional};
constexpr Cause kCpuNotPresent = {"DEVICE_NOT_FOUND", StatusCode::kNotFound,
                                  "the CPU is not present in this machine; list the CPUs anew",
                                  kPermanent};
constexpr Cause kCpuNotHotAddable = {
    "DEVICE_NOT_FOUND", StatusCode::kNotFound,
    "the CPU is not present in this machine, or was not configured as may-hotadd at boot; add it "
    "first, or boot with room for it (possible_cpus=)",
    kPermanent};
constexpr Cause kNoNumaNode = {
    "NO_NUMA_NODE", StatusCode::kFailedPrecondition,
    "it has no NUMA node, or the platform could not bring it up, or it was removed meanwhile; "
    "bring memory of its node online first, and see the kernel's log (dmesg)",
    kPermanent};
constexpr Cause kBringUpFailed = {
    "BRING_UP_FAILED", StatusCode::kInternal,
    "it did not come up, or a kernel callback stopped it on its way; the kernel's log (dmesg) says "
    "at which step, and if it stays so, the CPU or the firmware is at fault",
    kTransient};
constexpr Cause kSmtOff = {
    "SMT_OFF", StatusCode::kFailedPrecondition,
    "it is a secondary thread, and SMT is off on this host; turn SMT on first", kPermanent};
constexpr Cause kSmtForcedOff = {
    "SMT_FORCED_OFF", StatusCode::kFailedPrecondition,
    "SMT is forced off until the next reboot; reboot without nosmt=force to have it back",
    kPermanent};
constexpr Cause kSmtNotSupported = {
    "SMT_NOT_SUPPORTED", StatusCode::kFailedPrecondition,
    "this host has no control of SMT: its CPUs have one thread a core, or its kernel was built "
    "without CONFIG_HOTPLUG_SMT; leave SMT out of what is wanted here",
    kPermanent};
constexpr Cause kSmtThreads = {"SMT_THREADS_UNSUPPORTED", StatusCode::kInvalidArgument,
                               "this kernel can't have so many threads a core: only some platforms "
                               "(powerpc) take a number between one and all; use on or off",
                               kPermanent};
// Memory.
constexpr Cause kOfflineAborted = {
    "OFFLINE_ABORTED", StatusCode::kDeadlineExceeded,
    "its pages could not be moved away within the deadline, so the block is online again; stop "
    "what pins memory (VFIO, RDMA), free memory, or allow more time",
    kConditional};
constexpr Cause kSeveralZones = {"NOT_OFFLINABLE", StatusCode::kFailedPrecondition,
                                 "the block lies in several zones or NUMA nodes, or has holes, and "
                                 "so can never go offline; choose another block",
                                 kPermanent};
constexpr Cause kBlockHoles = {
    "NOT_OFFLINABLE", StatusCode::kFailedPrecondition,
    "the block has holes (addresses without memory), and so can never go offline; choose another "
    "block. Had somebody else taken it offline at this moment, the next look would show so",
    kPermanent};
constexpr Cause kNotOnlineAnyMore = {
    "BLOCK_STATE_CHANGED", StatusCode::kAborted,
    "it was not online when the kernel looked, so somebody else (a udev rule, a daemon) switches "
    "it too and has to stop; or it has holes, and can never go offline",
    kConditional};
constexpr Cause kNotOfflineAnyMore = {
    "BLOCK_STATE_CHANGED", StatusCode::kAborted,
    "it was not offline any more when the kernel looked, so somebody else (a udev rule, "
    "auto_online_blocks) switches it too and has to stop; or the kernel does not take the wanted "
    "zone",
    kConditional};
constexpr Cause kPinnedPages = {
    "PINNED_PAGES", StatusCode::kFailedPrecondition,
    "some of its pages are pinned (VFIO, RDMA), are huge pages in use, or could not be isolated "
    "just now; stop what uses them, or choose another block",
    kConditional};
constexpr Cause kUnmovablePages = {
    "UNMOVABLE_PAGES", StatusCode::kFailedPrecondition,
    "it holds pages that can't be moved, as blocks of kernel zones do; choose a block of the "
    "movable zone, and bring blocks online as movable so that they can go again",
    kConditional};
constexpr Cause kOfflineVetoed = {
    "OFFLINE_VETOED", StatusCode::kFailedPrecondition,
    "a part of the kernel forbids it: it is boot memory (arm64), the crash kernel's (s390), or "
    "virtio-mem's, which the hypervisor takes back itself; choose another block",
    kPermanent};
constexpr Cause kOnlineVetoed = {"ONLINE_VETOED", StatusCode::kFailedPrecondition,
                                 "a part of the kernel forbids it, as virtio-mem does for memory "
                                 "that is not plugged; have the hypervisor plug it first",
                                 kPermanent};
constexpr Cause kHugePages = {"HUGE_PAGES", StatusCode::kResourceExhausted,
                              "its free huge pages could not be dissolved for want of memory; free "
                              "memory, or lower nr_hugepages",
                              kConditional};
constexpr Cause kPoisonedMemory = {"POISONED_MEMORY", StatusCode::kDataLoss,
                                   "it has pages with hardware errors and must stay offline; never "
                                   "bring it online again, and replace the memory module",
                                   kPermanent};
// Any device.
constexpr Cause kChildOnline = {"CHILD_ONLINE", StatusCode::kFailedPrecondition,
                                "devices below it are online; take those offline first",
                                kConditional};
constexpr Cause kDeviceBusy = {"DEVICE_BUSY", StatusCode::kFailedPrecondition,
                               "its driver says that it is in use; stop what uses it first",
                               kConditional};
constexpr Cause kNotHotpluggable = {
    "NOT_HOTPLUGGABLE", StatusCode::kFailedPrecondition,
    "it has no `online` file (any more), so the kernel can't switch it: it must stay, or has been "
    "removed; choose another device",
    kPermanent};
constexpr Cause kDeviceGone = {
    "DEVICE_NOT_FOUND", StatusCode::kNotFound,
    "the kernel does not know it any more: it was removed meanwhile; list the devices anew",
    kPermanent};
constexpr Cause kNoPermission = {"NO_PERMISSION", StatusCode::kPermissionDenied,
                                 "the kernel does not let the writer write there; run the agent as "
                                 "root of the initial user namespace",
                                 kPermanent};
constexpr Cause kReadOnlySysfs = {"READ_ONLY_SYSFS", StatusCode::kFailedPrecondition,
                                  "/sys is mounted read-only, as in a container; mount its folder "
                                  "writable for the agent (with systemd: ReadWritePaths=)",
                                  kPermanent};
constexpr Cause kNoMemory = {"NO_MEMORY", StatusCode::kResourceExhausted,
                             "the kernel had too little free memory for the operation itself, and "
                             "the agent tries again; if it stays so, free some",
                             kTransient};
constexpr Cause kInterrupted = {
    "INTERRUPTED", StatusCode::kUnavailable,
    "a signal that was not the agent's ended the write, nothing was changed, and the agent tries "
    "again; if it stays so, find out who sends signals to hotplugger-writer",
    kTransient};
constexpr Cause kTryAgain = {"TRY_AGAIN", StatusCode::kUnavailable,
                             "the kernel asks for another try, which the agent makes by itself",
                             kTransient};
constexpr Cause kCallbackFailed = {
    "KERNEL_CALLBACK_FAILED", StatusCode::kInternal,
    "a callback in the kernel answered so, and the kernel put everything back; its log (dmesg) "
    "names the callback: mend what that complains about",
    kConditional};

bool LastOnline(const CauseContext& context) { return context.last_online; }
bool LastHousekeeping(const CauseContext& context) { return context.last_housekeeping; }
bool MayKeepTime(const CauseContext& context) { return context.may_keep_time; }
bool HyperV(const CauseContext& context) { return context.hyper_v; }
bool ForcedOff(const CauseContext& context) { return context.smt_forced_off; }
bool Aborted(const CauseContext& context) { return context.aborted; }
bool NoZone(const CauseContext& context) { return context.zone == BlockZone::kNone; }
bool Movable(const CauseContext& context) { return context.zone == BlockZone::kMovable; }
bool OneZone(const CauseContext& context) {
  return context.zone == BlockZone::kKernel || context.zone == BlockZone::kMovable;
}
bool HasOnlineDescendants(const CauseContext& context) {
  return !context.online_descendants.empty();
}

constexpr auto kCpuOffline = WriteKind::kCpuOffline;
constexpr auto kCpuOnline = WriteKind::kCpuOnline;
constexpr auto kMemoryOffline = WriteKind::kMemoryOffline;
constexpr auto kMemoryOnline = WriteKind::kMemoryOnline;
constexpr auto kSmt = WriteKind::kSmt;
constexpr auto kGenericOffline = WriteKind::kGenericOffline;
constexpr auto kGenericOnline = WriteKind::kGenericOnline;
constexpr std::nullopt_t kAny = std::nullopt;

constexpr CauseRow kCauses[] = {
    {kCpuOffline, EBUSY, "it is the last CPU online", &LastOnline, kLastOnlineCpu},
    {kCpuOffline, EBUSY, "it is the last CPU online that is neither isolated nor nohz_full",
     &LastHousekeeping, kLastHousekeepingCpu},
    {kCpuOffline, EBUSY, "there are nohz_full CPUs, and it is none of them", &MayKeepTime,
     kTimekeeperCpu},
    {kCpuOffline, EBUSY, "the guest runs on Hyper-V", &HyperV, kHyperVChannel},
    {kCpuOffline, EBUSY, "", nullptr, kOfflineBusy},
    {kCpuOffline, EPERM, "", nullptr, kOfflineDisabled},
    {kCpuOffline, EOPNOTSUPP, "", nullptr, kOfflineUnsupported},
    {kCpuOffline, ENOSPC, "", nullptr, kNoVectors},
    {kCpuOffline, EINVAL, "", nullptr, kCpuNotPresent},

    {kCpuOnline, EPERM, "smt/control says forceoff", &ForcedOff, kSmtForcedOff},
    {kCpuOnline, EPERM, "", nullptr, kSmtOff},
    {kCpuOnline, EINVAL, "", nullptr, kCpuNotHotAddable},
    {kCpuOnline, EBUSY, "", nullptr, kOnlineBusy},
    {kCpuOnline, ENODEV, "", nullptr, kNoNumaNode},
    {kCpuOnline, EIO, "", nullptr, kBringUpFailed},
    {kCpuOnline, ETIMEDOUT, "", nullptr, kBringUpFailed},
    {kCpuOnline, ECANCELED, "", nullptr, kBringUpFailed},

    {kMemoryOffline, EINTR, "the agent aborted it at its deadline", &Aborted, kOfflineAborted},
    {kMemoryOffline, EINVAL, "valid_zones says none", &NoZone, kSeveralZones},
    {kMemoryOffline, EINVAL, "valid_zones names one zone", &OneZone, kBlockHoles},
    {kMemoryOffline, EINVAL, "", nullptr, kNotOnlineAnyMore},
    {kMemoryOffline, EBUSY, "it lies in the movable zone", &Movable, kPinnedPages},
    {kMemoryOffline, EBUSY, "", nullptr, kUnmovablePages},
    {kMemoryOffline, EPERM, "", nullptr, kOfflineVetoed},
    {kMemoryOffline, ENOMEM, "", nullptr, kHugePages},

    {kMemoryOnline, EHWPOISON, "", nullptr, kPoisonedMemory},
    {kMemoryOnline, EINVAL, "", nullptr, kNotOfflineAnyMore},
    {kMemoryOnline, EPERM, "", nullptr, kOnlineVetoed},

    {kSmt, EPERM, "smt/control says forceoff", &ForcedOff, kSmtForcedOff},
    {kSmt, EPERM, "", nullptr, kThreadDisabled},
    {kSmt, ENODEV, "", nullptr, kSmtNotSupported},
    {kSmt, ENOENT, "", nullptr, kSmtNotSupported},
    {kSmt, EINVAL, "", nullptr, kSmtThreads},
    {kSmt, EBUSY, "the guest runs on Hyper-V", &HyperV, kHyperVChannel},
    {kSmt, EBUSY, "", nullptr, kSmtBusy},
    {kSmt, EOPNOTSUPP, "", nullptr, kOfflineUnsupported},
    {kSmt, ENOSPC, "", nullptr, kNoVectors},
    {kSmt, EIO, "", nullptr, kBringUpFailed},
    {kSmt, ETIMEDOUT, "", nullptr, kBringUpFailed},
    {kSmt, ECANCELED, "", nullptr, kBringUpFailed},

    {kGenericOffline, EBUSY, "a device below it is online", &HasOnlineDescendants, kChildOnline},
    {kGenericOffline, EBUSY, "", nullptr, kDeviceBusy},
    {kGenericOffline, EPERM, "", nullptr, kOfflineDisabled},
    {kGenericOnline, EBUSY, "", nullptr, kDeviceBusy},

    {kAny, ENOENT, "", nullptr, kNotHotpluggable},
    {kAny, ENODEV, "", nullptr, kDeviceGone},
    {kAny, EACCES, "", nullptr, kNoPermission},
    {kAny, EPERM, "", nullptr, kNoPermission},
    {kAny, EROFS, "", nullptr, kReadOnlySysfs},
    {kAny, ENOMEM, "", nullptr, kNoMemory},
    {kAny, EINTR, "", nullptr, kInterrupted},
    {kAny, EAGAIN, "", nullptr, kTryAgain},
    {kAny, 0, "", nullptr, kCallbackFailed},
};

}  // namespace

absl::Span<const CauseRow> CauseTable() { return kCauses; }

}  // namespace hotplugger::agent
