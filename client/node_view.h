// How nodes are shown: what both tables and descriptions say of one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "hotplugger/v1/node.pb.h"

namespace hotplugger::client {

// Present CPUs that are not online, as a cpulist; "?" where the node's masks can't be read.
std::string OfflineCpus(const v1::Inventory& inventory);

// "on", "off", "partial:2" (threads of each core), ...; "" where the node doesn't say.
std::string SmtState(const v1::Inventory& inventory);

// Memory that is online, and that is present but offline.
struct MemorySizes {
  uint64_t online = 0;
  uint64_t offline = 0;
};

// In bytes; nothing where the node has no memory hotplug, or its lists can't be read.
std::optional<MemorySizes> MemorySizesOf(const v1::Inventory& inventory);

// Names of the drivers that run, joined by commas.
std::string RunningDrivers(const v1::Inventory& inventory);

// "APPLIED", "FAILED", ...; "" where there is no report.
std::string ApplyStateName(const v1::Node& node);

// The same with ", awaiting confirmation" where the node undoes it unless the controller confirms.
std::string ReportText(const v1::Node& node);

// The same with the types of the node's conditions: "APPLIED, STATE_NOT_SAVED", "TURNED_AWAY".
std::string StateText(const v1::Node& node);

// How many devices and drivers are left unlike the spec; "" where none is.
std::string DriftText(const v1::Node& node);

// Whether the node's report is about the spec that it should have now.
bool ReportIsCurrent(const v1::Node& node);

// What becomes of a failure: "tried again soon", "tried again once the host has changed", "given
// up"; "" where that isn't said.
std::string RetryText(v1::RetryClass retry);

// Whether the connected node has given up on the spec that it should have, so that waiting can't
// help: it refused it, has gone back to the last good one, or failed for good in something that it
// asks for.
bool HasGivenUp(const v1::Node& node);

// For a person. REQUIRES: it is not.
std::string WhyNotConnected(const v1::Node& node);

// Why the node is not in sync, for a person; "" where it is.
std::string WhyNotInSync(const v1::Node& node);

}  // namespace hotplugger::client
