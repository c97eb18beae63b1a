// YAML to a protobuf message, led by the message's descriptor: a field that the proto gains is
// readable at once.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "client/policy_file/yaml_tree.h"
#include "common/error_info.h"
#include "google/protobuf/message.h"

namespace hotplugger::client {

// Collects everything that is wrong with one file. Not safe for concurrent use.
class FileErrors {
 public:
  explicit FileErrors(std::string file) : file_(std::move(file)) {}

  // `path` is the field's, e.g. "cpu.offline"; empty: the document.
  void Add(const YamlPlace& place, absl::string_view path, absl::string_view description);

  const std::vector<FieldViolation>& violations() const { return violations_; }

 private:
  const std::string file_;
  std::vector<FieldViolation> violations_;
};

// Reads the map `node` into `message`, field by field. A field goes by its proto name or its JSON
// name; a list stands for a message whose only field is a list; enums are short and lower case.
// `also_known` are keys of this level that are no fields: they are the caller's. What is wrong goes
// to `errors`, and the rest is read all the same. REQUIRES: node is a map.
void ReadMessage(const YamlNode& node, absl::string_view path,
                 const std::set<std::string>& also_known, google::protobuf::Message* message,
                 FileErrors* errors);

}  // namespace hotplugger::client
