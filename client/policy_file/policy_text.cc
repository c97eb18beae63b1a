#include "client/policy_file/policy_text.h"

#include <map>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/json_string.h"
#include "client/policy_file/field_rules.h"
#include "client/yaml_text.h"
#include "common/proto_time.h"
#include "google/protobuf/duration.pb.h"

namespace hotplugger::client {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

std::string MessageJson(const Message& message, const std::string& header);

// One value of `field`; of a list the one at `index`.
std::string ValueJson(const Message& message, const FieldDescriptor& field, int index) {
  const Reflection& reflection = *message.GetReflection();
  const bool item = field.is_repeated();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      return JsonString(item ? reflection.GetRepeatedString(message, &field, index)
                             : reflection.GetString(message, &field));
    case FieldDescriptor::CPPTYPE_ENUM: {
      const int number = item ? reflection.GetRepeatedEnumValue(message, &field, index)
                              : reflection.GetEnumValue(message, &field);
      const auto* value = field.enum_type()->FindValueByNumber(number);
      // A newer controller's word: its number at least says that there is one.
      return value == nullptr ? absl::StrCat(number) : JsonString(EnumWord(*value));
    }
    case FieldDescriptor::CPPTYPE_BOOL:
      return reflection.GetBool(message, &field) ? "true" : "false";
    case FieldDescriptor::CPPTYPE_INT32:
      return absl::StrCat(reflection.GetInt32(message, &field));
    case FieldDescriptor::CPPTYPE_INT64:
      return absl::StrCat(reflection.GetInt64(message, &field));
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return MessageJson(item ? reflection.GetRepeatedMessage(message, &field, index)
                              : reflection.GetMessage(message, &field),
                         "");
    default:
      return "null";
  }
}

std::string ListJson(const Message& message, const FieldDescriptor& field) {
  std::vector<std::string> items;
  const int count = message.GetReflection()->FieldSize(message, &field);
  items.reserve(static_cast<size_t>(count));
  for (int i = 0; i < count; ++i) items.push_back(ValueJson(message, field, i));
  return absl::StrCat("[", absl::StrJoin(items, ","), "]");
}

// Sorted: a protobuf map has no order.
std::string MapJson(const Message& message, const FieldDescriptor& field) {
  const Reflection& reflection = *message.GetReflection();
  std::map<std::string, std::string> entries;
  for (int i = 0; i < reflection.FieldSize(message, &field); ++i) {
    const Message& entry = reflection.GetRepeatedMessage(message, &field, i);
    entries[ValueJson(entry, *field.message_type()->map_key(), 0)] =
        ValueJson(entry, *field.message_type()->map_value(), 0);
  }
  return absl::StrCat("{", absl::StrJoin(entries, ",", absl::PairFormatter(":")), "}");
}

std::string FieldJson(const Message& message, const FieldDescriptor& field) {
  if (field.is_map()) return MapJson(message, field);
  return field.is_repeated() ? ListJson(message, field) : ValueJson(message, field, 0);
}

// The fields of the message that are set, after `header`, which are some already.
std::string MessageJson(const Message& message, const std::string& header) {
  if (const auto* duration =
          google::protobuf::DynamicCastToGenerated<google::protobuf::Duration>(&message)) {
    return JsonString(absl::FormatDuration(ToDuration(*duration)));
  }
  if (const FieldDescriptor* list = OnlyList(*message.GetDescriptor())) {
    return ListJson(message, *list);
  }
  std::vector<std::string> entries;
  if (!header.empty()) entries.push_back(header);
  std::vector<const FieldDescriptor*> fields;
  message.GetReflection()->ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    if (IsOutputOnly(*field)) continue;
    entries.push_back(absl::StrCat("\"", field->json_name(), "\":", FieldJson(message, *field)));
  }
  return absl::StrCat("{", absl::StrJoin(entries, ","), "}");
}

}  // namespace

std::string FormatPolicy(const v1::Policy& policy) {
  return YamlFromJson(MessageJson(policy, R"("apiVersion":"hotplugger/v1","kind":"Policy")"));
}

}  // namespace hotplugger::client
