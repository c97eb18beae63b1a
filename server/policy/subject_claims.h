// Who has a say in one device or driver of a node, and who has the last word: pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "common/core_name.h"
#include "hotplugger/v1/explain_service.pb.h"
#include "hotplugger/v1/node.pb.h"
#include "hotplugger/v1/policy.pb.h"
#include "server/policy/selector.h"
#include "server/policy/subject.h"

namespace hotplugger::server {

// What is asked about: a hold's subject, or SMT, which can't be held.
struct ExplainedSubject {
  // Nothing: SMT.
  std::optional<Subject> subject;
  // Of a CPU, where its place is known: the core that it belongs to.
  std::optional<CoreName> core;
};

// Every policy and hold that speaks of it, by the rules of Resolve: holds first, that of the device
// before that of its core; then policies by rank, one claim for each setting that speaks of it.
// Inputs as of Resolve.
std::vector<v1::Claim> FindClaims(const ExplainedSubject& explained, absl::string_view node,
                                  const Labels& labels,
                                  const std::vector<const v1::Policy*>& policies,
                                  const std::vector<const v1::Hold*>& holds);

// One sentence of `claims`, e.g. "cpu3 is to be offline, by hold/cpu3".
std::string SummarizeClaims(absl::string_view subject, const std::vector<v1::Claim>& claims);

}  // namespace hotplugger::server
