#include "common/yaml/file_errors.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/text.h"

namespace hotplugger {
namespace {

// A file may give a name of a megabyte; an error is for a person to read.
constexpr size_t kMaxPathBytes = 256;
constexpr size_t kMaxDescriptionBytes = 1024;

}  // namespace

void FileErrors::Add(const YamlPlace& place, absl::string_view path,
                     absl::string_view description) {
  std::string field = file_;
  if (place.line > 0) absl::StrAppend(&field, ":", place.line, ":", place.column);
  if (!path.empty()) absl::StrAppend(&field, ": ", CutText(path, kMaxPathBytes));
  violations_.push_back({std::move(field), CutText(description, kMaxDescriptionBytes)});
}

void FileErrors::AddUnknownKey(const YamlNode& key, absl::string_view path,
                               const std::vector<std::string>& known) {
  const std::string closest = ClosestName(key.text, known);
  Add(key.place, path,
      absl::StrCat("unknown field", closest.empty() ? "" : "; did you mean ", closest,
                   closest.empty() ? "" : "?", " (known here: ", absl::StrJoin(known, ", "), ")"));
}

absl::Status FileErrors::ToStatus() const {
  std::vector<FieldViolation> shown = violations_;
  if (shown.size() > kMaxShown) {
    shown.resize(kMaxShown);
    shown.back().description +=
        absl::StrCat(" (and ", violations_.size() - kMaxShown, " more errors)");
  }
  return MakeFieldErrors(shown);
}

std::string QuotedText(absl::string_view text) {
  const bool cut = text.size() > kMaxShownBytes;
  return absl::StrCat("\"", Printable(text.substr(0, kMaxShownBytes)), cut ? "…" : "", "\"");
}

std::string DescribeYaml(const YamlNode& node) {
  switch (node.kind) {
    case YamlNode::Kind::kNull:
      return "nothing";
    case YamlNode::Kind::kScalar:
      return QuotedText(node.text);
    case YamlNode::Kind::kSequence:
      return "a list";
    case YamlNode::Kind::kMap:
      return "a map";
  }
  return "nothing";
}

std::string JoinYamlPath(absl::string_view path, absl::string_view name) {
  return absl::StrCat(path, path.empty() ? "" : ".", Printable(CutText(name, kMaxShownBytes)));
}

}  // namespace hotplugger
