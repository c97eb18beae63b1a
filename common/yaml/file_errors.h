// Everything that is wrong with one YAML file, each with its place; and the words for it.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "common/error_info.h"
#include "common/yaml/yaml_tree.h"

namespace hotplugger {

// Collects. Not safe for concurrent use.
class FileErrors {
 public:
  // An error lists so many; a file with one in every line helps nobody with more.
  static constexpr size_t kMaxShown = 100;

  // `file` is its name, for messages.
  explicit FileErrors(std::string file) : file_(std::move(file)) {}

  // `path` is the key's, e.g. "cpu.offline"; empty: the document.
  void Add(const YamlPlace& place, absl::string_view path, absl::string_view description);

  // Adds the key `path`, which is none of `known`, the nearest of which it names.
  void AddUnknownKey(const YamlNode& key, absl::string_view path,
                     const std::vector<std::string>& known);

  const std::vector<FieldViolation>& violations() const { return violations_; }

  // INVALID_ARGUMENT with all, each FILE:LINE:COLUMN: PATH. Ok where there are none.
  absl::Status ToStatus() const;

 private:
  const std::string file_;
  std::vector<FieldViolation> violations_;
};

// No description shows more of a value than so many bytes.
inline constexpr size_t kMaxShownBytes = 60;

// `text` in quotes, cut at kMaxShownBytes.
std::string QuotedText(absl::string_view text);

// What a node is, for a person: "a list", or a scalar's text in quotes.
std::string DescribeYaml(const YamlNode& node);

// "cpu" and "offline" to "cpu.offline".
std::string JoinYamlPath(absl::string_view path, absl::string_view name);

}  // namespace hotplugger
