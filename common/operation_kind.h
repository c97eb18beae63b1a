// What kinds of operations there are, for both sides of the wire.
#pragma once

namespace hotplugger {

// Whether an operation (hotplugger.v1.Operation) only asks and changes nothing. A template, since
// this folder knows no messages.
template <typename Operation>
bool OnlyReads(const Operation& operation) {
  return operation.has_list_drivers() || operation.has_list_conflicting_actors() ||
         operation.has_explain_device() || operation.has_plan_spec();
}

}  // namespace hotplugger
