// Results of single steps, as reports and answers carry them.
#pragma once

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "hotplugger/v1/device.pb.h"

namespace hotplugger::agent {

// The item that stands for an error in a list of results. Its retry class is the error's metadata
// "retry" (TRANSIENT, CONDITIONAL, PERMANENT), else TRANSIENT for UNAVAILABLE, PERMANENT
// for what is wrong with the request or the device, CONDITIONAL for the rest; its error number the
// metadata "error_number". FAILED where something was tried (an error number, or a code that only
// an act can end with: DEADLINE_EXCEEDED, ABORTED, UNAVAILABLE, INTERNAL), else REFUSED.
v1::ItemResult FailedItem(absl::string_view subject, const absl::Status& status);

v1::ItemResult DoneItem(absl::string_view subject, v1::Outcome outcome);

// Whether the item is CHANGED or ALREADY.
bool Succeeded(const v1::ItemResult& item);

}  // namespace hotplugger::agent
