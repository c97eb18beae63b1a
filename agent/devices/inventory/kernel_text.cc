#include "agent/devices/inventory/kernel_text.h"

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/error_info.h"
#include "common/status_macros.h"

namespace hotplugger::agent {
namespace {

// Of a value too long to be repeated, so much is.
constexpr size_t kShownLength = 64;

}  // namespace

absl::Status BadKernelAnswer(const FileTree& tree, absl::string_view path, absl::string_view value,
                             absl::string_view expected) {
  const std::string place = tree.FullPath(path);
  return MakeError(
      absl::StatusCode::kInternal, "BAD_KERNEL_ANSWER",
      absl::StrCat(place, " reads \"", absl::Utf8SafeCEscape(value.substr(0, kShownLength)),
                   value.size() > kShownLength ? "\"..., not " : "\", not ", expected),
      {{"path", place}});
}

absl::string_view WithoutNewline(absl::string_view content) {
  return absl::StripSuffix(content, "\n");
}

absl::StatusOr<bool> ReadFlag(const FileTree& tree, absl::string_view path) {
  ASSIGN_OR_RETURN(const std::string content, tree.Read(path));
  const absl::string_view value = WithoutNewline(content);
  if (value == "0") return false;
  if (value == "1") return true;
  return BadKernelAnswer(tree, path, value, "0 or 1");
}

absl::StatusOr<std::optional<int>> ReadNumberIfThere(const FileTree& tree, absl::string_view path) {
  ASSIGN_OR_RETURN(const std::optional<std::string> content, tree.ReadIfThere(path));
  if (!content.has_value()) return std::optional<int>();
  const absl::string_view value = WithoutNewline(*content);
  if (value == "-1") return std::optional<int>();
  const std::optional<int> number = ParseDigits(value);
  if (!number.has_value()) return BadKernelAnswer(tree, path, value, "a number");
  return number;
}

std::optional<int> NumberAfter(absl::string_view prefix, absl::string_view name) {
  if (!absl::ConsumePrefix(&name, prefix)) return std::nullopt;
  if (name.size() > 1 && name[0] == '0') return std::nullopt;
  return ParseDigits(name);
}

absl::Status CheckFolderName(absl::string_view name) {
  if (!name.empty() && name != "." && name != ".." &&
      name.find_first_of(absl::string_view("/\0", 2)) == name.npos) {
    return absl::OkStatus();
  }
  return MakeError(absl::StatusCode::kInvalidArgument, "BAD_DEVICE_NAME",
                   absl::StrCat("\"", absl::Utf8SafeCEscape(name.substr(0, kShownLength)),
                                "\" names no bus or device: it must be one folder's name, "
                                "without slashes"));
}

std::optional<int> ParseDigits(absl::string_view text) {
  if (text.empty() || text.size() > 9) return std::nullopt;
  int number = 0;
  for (const char digit : text) {
    if (!absl::ascii_isdigit(static_cast<unsigned char>(digit))) return std::nullopt;
    number = number * 10 + (digit - '0');
  }
  return number;
}

}  // namespace hotplugger::agent
