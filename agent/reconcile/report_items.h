#pragma once

#include "google/protobuf/repeated_field.h"
#include "hotplugger/v1/device.pb.h"

namespace hotplugger::agent {

using ReportItems = google::protobuf::RepeatedPtrField<v1::ItemResult>;

// What a report of one spec tells after one more pass: `latest`, and of `earlier` what was done to
// subjects that the pass found as they should be, for a person to read later. What had failed and
// fails no more is left out.
ReportItems MergeItems(const ReportItems& earlier, const ReportItems& latest);

}  // namespace hotplugger::agent
