#include "client/policy_file/message_reader.h"

#include <map>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/policy_file/field_rules.h"
#include "client/text.h"
#include "common/proto_time.h"

namespace hotplugger::client {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::EnumDescriptor;
using google::protobuf::EnumValueDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

// The whole value or nothing; the words tell which numbers are right.
template <typename Number>
bool ParseNumber(const YamlNode& node, Number* number) {
  return !node.quoted && absl::SimpleAtoi(node.text, number);
}

bool IsDuration(const FieldDescriptor& field) {
  return field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE &&
         field.message_type() == google::protobuf::Duration::descriptor();
}

// The value that a file means by `text`, or nullptr.
const EnumValueDescriptor* FindEnumValue(const FieldDescriptor& field, const std::string& text) {
  const EnumDescriptor& type = *field.enum_type();
  for (int i = 0; i < type.value_count(); ++i) {
    const EnumValueDescriptor* value = type.value(i);
    if (TakesEnumValue(field, *value) &&
        (EnumWord(*value) == text || ShortEnumName(*value) == text || value->name() == text)) {
      return value;
    }
  }
  return nullptr;
}

std::string EnumChoices(const FieldDescriptor& field) {
  const EnumDescriptor& type = *field.enum_type();
  std::vector<std::string> choices;
  for (int i = 0; i < type.value_count(); ++i) {
    if (TakesEnumValue(field, *type.value(i))) choices.push_back(EnumWord(*type.value(i)));
  }
  return absl::StrJoin(choices, " or ");
}

class Reader {
 public:
  explicit Reader(FileErrors* errors) : errors_(*errors) {}

  void Read(const YamlNode& node, absl::string_view path, const std::set<std::string>& also_known,
            Message* message) {
    std::map<std::string, int> lines;  // where each field was given first, by proto name
    for (size_t i = 0; i + 1 < node.children.size(); i += 2) {
      const YamlNode& key = node.children[i];
      const YamlNode& value = node.children[i + 1];
      if (!IsKey(key, path)) continue;
      const FieldDescriptor* field = FindField(*message->GetDescriptor(), key.text);
      const std::string name = field != nullptr ? field->name() : key.text;
      const std::string field_path = JoinYamlPath(path, key.text);
      const auto [first, is_first] = lines.try_emplace(name, key.place.line);
      if (!is_first) {
        errors_.Add(key.place, field_path,
                    absl::StrCat("is given twice, first in line ", first->second));
      } else if (field != nullptr) {
        ReadField(key, value, field_path, *field, message);
      } else if (also_known.count(key.text) == 0) {
        AddUnknown(key, field_path, *message->GetDescriptor(), also_known);
      }
    }
  }

 private:
  bool IsKey(const YamlNode& key, absl::string_view path) {
    if (key.kind == YamlNode::Kind::kScalar) return true;
    errors_.Add(key.place, path, absl::StrCat(DescribeYaml(key), " is no name of a field"));
    return false;
  }

  static const FieldDescriptor* FindField(const Descriptor& type, const std::string& name) {
    for (int i = 0; i < type.field_count(); ++i) {
      if (type.field(i)->name() == name || type.field(i)->json_name() == name) return type.field(i);
    }
    return nullptr;
  }

  void AddUnknown(const YamlNode& key, absl::string_view path, const Descriptor& type,
                  const std::set<std::string>& also_known) {
    std::vector<std::string> known(also_known.begin(), also_known.end());
    for (int i = 0; i < type.field_count(); ++i) {
      if (!IsOutputOnly(*type.field(i))) known.push_back(type.field(i)->json_name());
    }
    errors_.AddUnknownKey(key, path, known);
  }

  void ReadField(const YamlNode& key, const YamlNode& value, const std::string& path,
                 const FieldDescriptor& field, Message* message) {
    if (IsOutputOnly(field)) {
      errors_.Add(key.place, path, "is set by the controller; leave it out");
    } else if (value.kind == YamlNode::Kind::kNull) {
      errors_.Add(key.place, path,
                  "has no value; give it one or leave it out (quote it if the text itself is "
                  "meant)");
    } else if (field.is_map()) {
      ReadMap(value, path, field, message);
    } else if (field.is_repeated()) {
      ReadList(value, path, field, message);
    } else if (IsDuration(field)) {
      ReadDuration(value, path, field, message);
    } else if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      ReadSubmessage(value, path, message->GetReflection()->MutableMessage(message, &field));
    } else {
      ReadScalar(value, path, field, message);
    }
  }

  void ReadDuration(const YamlNode& value, const std::string& path, const FieldDescriptor& field,
                    Message* message) {
    absl::Duration duration;
    if (value.kind != YamlNode::Kind::kScalar || !absl::ParseDuration(value.text, &duration)) {
      errors_.Add(value.place, path,
                  absl::StrCat(DescribeYaml(value),
                               " is no time; write a number with its unit, e.g. 30s, 2m or 1h"));
      return;
    }
    AddIfWrong(value.place, path, CheckDuration(field, duration));
    SetDuration(duration, google::protobuf::DynamicCastToGenerated<google::protobuf::Duration>(
                              message->GetReflection()->MutableMessage(message, &field)));
  }

  void ReadSubmessage(const YamlNode& value, const std::string& path, Message* message) {
    const FieldDescriptor* list = OnlyList(*message->GetDescriptor());
    if (value.kind == YamlNode::Kind::kMap) {
      Read(value, path, {}, message);
    } else if (list != nullptr) {
      ReadList(value, path, *list, message);
    } else {
      errors_.Add(value.place, path,
                  absl::StrCat(DescribeYaml(value), " is given where a map is right"));
    }
  }

  void ReadList(const YamlNode& value, const std::string& path, const FieldDescriptor& field,
                Message* message) {
    if (value.kind != YamlNode::Kind::kSequence) {
      errors_.Add(
          value.place, path,
          absl::StrCat(
              DescribeYaml(value), " is given where a list is right",
              value.kind == YamlNode::Kind::kScalar
                  ? absl::StrCat(", e.g. [", Printable(value.text.substr(0, kMaxShownBytes)), "]")
                  : ""));
      return;
    }
    for (size_t i = 0; i < value.children.size(); ++i) {
      const YamlNode& item = value.children[i];
      const std::string item_path = absl::StrCat(path, "[", i, "]");
      if (item.kind == YamlNode::Kind::kNull) {
        errors_.Add(item.place, item_path, "is empty (quote it if the text itself is meant)");
      } else if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
        ReadSubmessage(item, item_path, message->GetReflection()->AddMessage(message, &field));
      } else {
        ReadScalar(item, item_path, field, message);
      }
    }
  }

  void ReadMap(const YamlNode& value, const std::string& path, const FieldDescriptor& field,
               Message* message) {
    if (value.kind != YamlNode::Kind::kMap) {
      errors_.Add(
          value.place, path,
          absl::StrCat(DescribeYaml(value), " is given where a map is right, e.g. {name: ...}"));
      return;
    }
    std::map<std::string, int> lines;
    for (size_t i = 0; i + 1 < value.children.size(); i += 2) {
      const YamlNode& key = value.children[i];
      if (!IsKey(key, path)) continue;
      const auto [first, is_first] = lines.try_emplace(key.text, key.place.line);
      if (!is_first) {
        errors_.Add(key.place, JoinYamlPath(path, key.text),
                    absl::StrCat("is given twice, first in line ", first->second));
        continue;
      }
      ReadMapEntry(key, value.children[i + 1], JoinYamlPath(path, key.text), field, message);
    }
  }

  void ReadMapEntry(const YamlNode& key, const YamlNode& value, const std::string& path,
                    const FieldDescriptor& field, Message* message) {
    if (value.kind == YamlNode::Kind::kNull) {
      errors_.Add(key.place, path, "has no value (quote it if the text itself is meant)");
      return;
    }
    AddIfWrong(key.place, path, CheckMapKey(field, key.text));
    Message* entry = message->GetReflection()->AddMessage(message, &field);
    const FieldDescriptor& value_field = *field.message_type()->map_value();
    ReadScalar(key, path, *field.message_type()->map_key(), entry);
    if (value_field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      ReadSubmessage(value, path, entry->GetReflection()->MutableMessage(entry, &value_field));
      return;
    }
    ReadScalar(value, path, value_field, entry);
    AddIfWrong(value.place, path, CheckMapValue(field, value.text));
  }

  void AddIfWrong(const YamlPlace& place, const std::string& path, const absl::Status& status) {
    if (!status.ok()) errors_.Add(place, path, status.message());
  }

  // One value, set or added where the field is a list.
  void ReadScalar(const YamlNode& value, const std::string& path, const FieldDescriptor& field,
                  Message* message) {
    if (value.kind != YamlNode::Kind::kScalar) {
      errors_.Add(
          value.place, path,
          absl::StrCat(DescribeYaml(value), " is given where ", Expected(field), " is right"));
      return;
    }
    if (!SetScalar(value, field, message)) {
      errors_.Add(value.place, path,
                  absl::StrCat(QuotedText(value.text), " is not ", Expected(field)));
    } else if (field.cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
      AddIfWrong(value.place, path, CheckText(field, value.text));
    } else if (int64_t number = 0; ParseNumber(value, &number)) {
      AddIfWrong(value.place, path, CheckNumber(field, number));
    }
  }

  static std::string Expected(const FieldDescriptor& field) {
    switch (field.cpp_type()) {
      case FieldDescriptor::CPPTYPE_STRING:
        return "text";
      case FieldDescriptor::CPPTYPE_ENUM:
        return EnumChoices(field);
      case FieldDescriptor::CPPTYPE_BOOL:
        return "true or false";
      case FieldDescriptor::CPPTYPE_INT32:
        return "a whole number from -2147483648 to 2147483647, without quotes";
      case FieldDescriptor::CPPTYPE_INT64:
        return "a whole number, without quotes";
      default:
        return "a kind of value that files can have";
    }
  }

  // False where the text is not right for the field.
  static bool SetScalar(const YamlNode& value, const FieldDescriptor& field, Message* message) {
    const Reflection& reflection = *message->GetReflection();
    const bool add = field.is_repeated();
    switch (field.cpp_type()) {
      case FieldDescriptor::CPPTYPE_STRING:
        if (field.type() == FieldDescriptor::TYPE_BYTES) return false;
        add ? reflection.AddString(message, &field, value.text)
            : reflection.SetString(message, &field, value.text);
        return true;
      case FieldDescriptor::CPPTYPE_ENUM: {
        const EnumValueDescriptor* found = FindEnumValue(field, value.text);
        if (found == nullptr) return false;
        add ? reflection.AddEnum(message, &field, found)
            : reflection.SetEnum(message, &field, found);
        return true;
      }
      case FieldDescriptor::CPPTYPE_BOOL:
        if (value.quoted || (value.text != "true" && value.text != "false")) return false;
        add ? reflection.AddBool(message, &field, value.text == "true")
            : reflection.SetBool(message, &field, value.text == "true");
        return true;
      case FieldDescriptor::CPPTYPE_INT32: {
        int32_t number = 0;
        if (!ParseNumber(value, &number)) return false;
        add ? reflection.AddInt32(message, &field, number)
            : reflection.SetInt32(message, &field, number);
        return true;
      }
      case FieldDescriptor::CPPTYPE_INT64: {
        int64_t number = 0;
        if (!ParseNumber(value, &number)) return false;
        add ? reflection.AddInt64(message, &field, number)
            : reflection.SetInt64(message, &field, number);
        return true;
      }
      default:
        return false;
    }
  }

  FileErrors& errors_;
};

}  // namespace

void ReadMessage(const YamlNode& node, absl::string_view path,
                 const std::set<std::string>& also_known, Message* message, FileErrors* errors) {
  Reader(errors).Read(node, path, also_known, message);
}

}  // namespace hotplugger::client
