// Selectors as a command line gives them, in kubectl's words.
#pragma once

#include <string>

#include "client/flag_values.h"
#include "hotplugger/v1/policy.pb.h"

namespace hotplugger::client {

// What --selector takes, for help.
inline constexpr char kSelectorForms[] =
    "'a=b,c!=d,e in (x,y),f notin (z),g,!h': conditions on labels, all of which must hold; g means "
    "that there is such a label, !h that there is none";

// Adds the conditions of `text` to `selector`; else violations of `flag`. Nothing is no selector:
// an empty variable of a script must not mean all nodes.
void ReadSelector(const std::string& flag, const std::string& text, v1::Selector* selector,
                  Violations* violations);

}  // namespace hotplugger::client
