// The table of CPUs as lscpu -e prints it.
#pragma once

#include "client/output.h"
#include "google/protobuf/repeated_field.h"
#include "hotplugger/v1/device.pb.h"

namespace hotplugger::client::host {

enum class CpuFilter { kAll, kOnline, kOffline };

// Whether the filter wants `cpu`.
bool Wanted(CpuFilter filter, const v1::Device& cpu);

// CPU NODE SOCKET CORE, the caches' numbers in one column ("L1d:L1i:L2:L3"; left out where no cache
// is known), ONLINE HOTPLUGGABLE. Sockets and cores are numbered over the whole host from 0, in the
// order of their first CPUs, as lscpu does without -y: the kernel's core numbers repeat. A CPU that
// is offline keeps its place, and so the others their numbers, whatever the filter.
Table CpuTable(const google::protobuf::RepeatedPtrField<v1::Device>& devices, CpuFilter filter);

}  // namespace hotplugger::client::host
