// What becomes of the agent's memory where its file was lost or damaged.
#pragma once

#include <optional>
#include <string>

#include "agent/devices/operations/journal.h"
#include "agent/reconcile/state_file.h"
#include "hotplugger/v1/agent_state.pb.h"

namespace hotplugger::agent {

// A loss that a person should know of: one of the kinds in conditions.h.
struct StateLoss {
  std::string condition;
  std::string message;
};

// Mends `state`, which is what was `loaded` made ready for this boot: what this boot's journal
// tells of devices goes into its baseline, and a spec that was lost is marked so. Nothing where all
// is as it was saved, where nothing ever was, and where a reboot since has made what was lost
// worthless.
std::optional<StateLoss> MendState(const StateStore::Loaded& loaded, const Journal& journal,
                                   v1::AgentState* state);

}  // namespace hotplugger::agent
