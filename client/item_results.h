// How the outcome of an operation of several parts is shown.
#pragma once

#include "client/command.h"
#include "google/protobuf/repeated_field.h"
#include "hotplugger/v1/device.pb.h"

namespace hotplugger::client {

// Whether the item is as it was asked to be.
bool IsDone(const v1::ItemResult& item);

// Prints `response` as a document or `results` as a table, and says with what to exit, as chcpu
// does: kOk where all is done or was so already, kPartial where some is, kFailure where nothing is.
absl::StatusOr<ExitCode> PrintResults(
    const google::protobuf::Message& response,
    const google::protobuf::RepeatedPtrField<v1::ItemResult>& results, Session& session);

// SUBJECT OUTCOME REASON MESSAGE; `outcome` is another head for the second.
Table ResultTable(const google::protobuf::RepeatedPtrField<v1::ItemResult>& results,
                  const std::string& outcome = "OUTCOME");

// kOk where all `total` are `done`, kFailure where none is, else kPartial.
ExitCode ExitCodeForShare(int done, int total);

}  // namespace hotplugger::client
