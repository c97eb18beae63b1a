// What a file may not set, and what can be checked of a value before anything is sent. The
// controller checks all of it again; here the answer has the line.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "google/protobuf/descriptor.h"

namespace hotplugger::client {

// The one field of a message that is nothing but a list, which stands for it in files; else
// nullptr.
const google::protobuf::FieldDescriptor* OnlyList(const google::protobuf::Descriptor& type);

// Whether only the controller sets `field`.
bool IsOutputOnly(const google::protobuf::FieldDescriptor& field);

// Whether a file may give this value of an enum's field: not "unspecified", and not what only a
// kernel says.
bool TakesEnumValue(const google::protobuf::FieldDescriptor& field,
                    const google::protobuf::EnumValueDescriptor& value);

// What files call the value: its short name, but "NotIn" for the operators of a selector.
std::string EnumWord(const google::protobuf::EnumValueDescriptor& value);

// Checks the value of a field of whole numbers.
absl::Status CheckNumber(const google::protobuf::FieldDescriptor& field, int64_t number);

// Checks the value of a field of google.protobuf.Duration.
absl::Status CheckDuration(const google::protobuf::FieldDescriptor& field, absl::Duration value);

// Checks the text of a string field, or of one item of a list of them.
absl::Status CheckText(const google::protobuf::FieldDescriptor& field, const std::string& text);

// Checks the key of an entry of a map field.
absl::Status CheckMapKey(const google::protobuf::FieldDescriptor& field, const std::string& key);

// Checks the text of a map<string, string>'s value.
absl::Status CheckMapValue(const google::protobuf::FieldDescriptor& field,
                           const std::string& value);

}  // namespace hotplugger::client
