#include "client/json_string.h"

#include <google/protobuf/util/json_util.h>
#include <google/protobuf/wrappers.pb.h>

namespace hotplugger::client {

std::string JsonString(absl::string_view text) {
  google::protobuf::StringValue value;
  value.set_value(std::string(text));
  std::string json;
  // It fails for messages that are no valid JSON alone, and every string is.
  (void)google::protobuf::util::MessageToJsonString(value, &json);
  return json;
}

}  // namespace hotplugger::client
