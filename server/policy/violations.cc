#include "server/policy/violations.h"

#include "absl/strings/str_cat.h"

namespace hotplugger::server {

void Check(const std::string& field, const absl::Status& status, Violations* violations) {
  if (!status.ok()) violations->push_back({field, std::string(status.message())});
}

void CheckCount(const std::string& field, int count, int limit, Violations* violations) {
  if (count > limit) {
    violations->push_back(
        {field, absl::StrCat("has ", count, " entries; at most ", limit, " are allowed")});
  }
}

void CheckUnknownFields(const std::string& field, const google::protobuf::Message& message,
                        Violations* violations) {
  if (message.GetReflection()->GetUnknownFields(message).empty()) return;
  violations->push_back({field,
                         "has settings that this controller doesn't know; upgrade the controller "
                         "or leave them out"});
}

}  // namespace hotplugger::server
