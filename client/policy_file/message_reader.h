// YAML to a protobuf message, led by the message's descriptor: a field that the proto gains is
// readable at once.
#pragma once

#include <set>
#include <string>

#include "absl/strings/string_view.h"
#include "common/yaml/file_errors.h"
#include "common/yaml/yaml_tree.h"
#include "google/protobuf/message.h"

namespace hotplugger::client {

// Reads the map `node` into `message`, field by field. A field goes by its proto name or its JSON
// name; a list stands for a message whose only field is a list; enums are short and lower case, and
// durations are text ("30s").
// `also_known` are keys of this level that are no fields: they are the caller's. What is wrong goes
// to `errors`, and the rest is read all the same. REQUIRES: node is a map.
void ReadMessage(const YamlNode& node, absl::string_view path,
                 const std::set<std::string>& also_known, google::protobuf::Message* message,
                 FileErrors* errors);

}  // namespace hotplugger::client
