// Which CPUs the cores mean that a spec holds: pure.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "agent/devices/inventory/snapshot.h"
#include "google/protobuf/repeated_field.h"
#include "hotplugger/v1/node.pb.h"

namespace hotplugger::agent {

// The present CPUs of the named cores (see common/core_name.h), with the subject of the hold that
// means each ("core/0-0-3"). By the places that the topology record knows, those of offline CPUs
// included: that is how a hold stays with its core when a boot gives CPUs other numbers. Names that
// don't parse mean nothing; CheckSpec has refused them.
std::map<int, std::string> CpusOfCores(const google::protobuf::RepeatedPtrField<std::string>& names,
                                       const CpuSnapshot& cpus);

// A result for each core that is held online and that this host doesn't have. One that is held
// offline and isn't there counts as offline.
std::vector<v1::ItemResult> MissingCores(const v1::NodeSpec& spec, const CpuSnapshot& cpus);

}  // namespace hotplugger::agent
