#pragma once

#include "google/protobuf/repeated_field.h"
#include "hotplugger/v1/device.pb.h"
#include "hotplugger/v1/node.pb.h"

namespace hotplugger::agent {

using ReportItems = google::protobuf::RepeatedPtrField<v1::ItemResult>;

// A report must fit a message, and a person: of more items those that failed come first.
inline constexpr int kMaxReportItems = 256;

// What a report of one spec tells after one more pass: `latest`, and of `earlier` what was done to
// subjects that the pass found as they should be, for a person to read later. What had failed and
// fails no more is left out.
ReportItems MergeItems(const ReportItems& earlier, const ReportItems& latest);

// Leaves at most kMaxReportItems in the report; its message says how many there were.
void LimitItems(v1::NodeReport* report);

}  // namespace hotplugger::agent
