// The one form in which policies and holds are stored and compared.
#pragma once

#include "hotplugger/v1/policy.pb.h"

namespace hotplugger::server {

// Driver names in lower case, lists of numbers and sizes canonical, lists of names sorted where
// order means nothing and each name once. REQUIRES: ValidatePolicy found nothing.
void NormalizePolicy(v1::Policy* policy);

// REQUIRES: ValidateHold found nothing.
void NormalizeHold(v1::Hold* hold);

// Lower case, sorted, each once.
void NormalizeDriverNames(google::protobuf::RepeatedPtrField<std::string>* names);

}  // namespace hotplugger::server
