// Where a command line's policies come from: a file, a folder of files, or standard input.
#pragma once

#include <istream>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "hotplugger/v1/policy.pb.h"

namespace hotplugger::client {

struct SourcedPolicy {
  // As messages name it.
  std::string file;
  v1::Policy policy;
};

// Reads all policies of `path`: "-" is `in`; a folder means its *.yaml, *.yml and *.json in the
// order of their names, but for hidden ones, pipes and devices, and not those of folders below it.
// A file that is named may be a pipe. INVALID_ARGUMENT with everything that is wrong in any of
// them, also where two files have a policy of one name; then there are none.
absl::StatusOr<std::vector<SourcedPolicy>> ReadPolicySource(const std::string& path,
                                                            std::istream& in);

}  // namespace hotplugger::client
