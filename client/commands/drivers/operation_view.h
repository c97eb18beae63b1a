// What came of operations on drivers, for a person or a program.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "client/output.h"
#include "google/protobuf/message.h"
#include "hotplugger/v1/operation.pb.h"

namespace hotplugger::client {

// The response that is in `result`; REQUIRES: it is no error.
const google::protobuf::Message& ResponseIn(const v1::OperationResult& result);

// The items of a change; empty where `result` is none.
const google::protobuf::RepeatedPtrField<v1::ItemResult>& ItemsOf(
    const v1::OperationResult& result);

// Everything that is known of one driver, in lines.
void PrintDriver(const v1::Driver& driver, std::ostream& out);

// TIME DECISION.
std::vector<std::string> DecisionCells(const v1::DriverDecision& decision);

// KIND NAME PLACE EFFECT.
std::vector<std::string> ActorCells(const v1::ConflictingActor& actor);

// What is said where there is no such actor.
void PrintNoActors(std::ostream& out);

// A row for each, and below what to do about each.
void PrintActors(const v1::ListConflictingActorsResponse& actors, std::ostream& out);

}  // namespace hotplugger::client
