// How the outcome of an operation of several parts is shown.
#pragma once

#include "client/command.h"
#include "google/protobuf/repeated_field.h"
#include "hotplugger/v1/device.pb.h"

namespace hotplugger::client::host {

// Prints `response` as JSON or `results` as a table, and says with what to exit: kPartial where
// some items were done and others not.
absl::StatusOr<ExitCode> PrintResults(
    const google::protobuf::Message& response,
    const google::protobuf::RepeatedPtrField<v1::ItemResult>& results, Session& session);

// The same of a single one.
absl::StatusOr<ExitCode> PrintResult(const google::protobuf::Message& response,
                                     const v1::ItemResult& result, Session& session);

}  // namespace hotplugger::client::host
