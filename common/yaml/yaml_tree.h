// YAML text as plain data with places, so that every error can name its line.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace hotplugger {

// Limits of a file that is read.
inline constexpr size_t kMaxYamlBytes = 1 << 20;
inline constexpr size_t kMaxYamlDepth = 32;
inline constexpr size_t kMaxYamlDocuments = 256;

// A place in a file, both from 1. 0: the whole file.
struct YamlPlace {
  int line = 0;
  int column = 0;
};

struct YamlNode {
  enum class Kind { kNull, kScalar, kSequence, kMap };

  Kind kind = Kind::kNull;
  YamlPlace place;
  // Of a scalar, as written; numbers and switches are not interpreted.
  std::string text;
  // Whether the scalar stood in quotes, and so is text for certain.
  bool quoted = false;
  // Of a sequence its items; of a map key, value, key, value, ..., duplicates included.
  std::vector<YamlNode> children;
};

// What made a file unreadable from `place` on.
struct YamlProblem {
  YamlPlace place;
  std::string description;
};

// What could be read of a file: the documents before the first problem, empty ones left out.
struct YamlFile {
  std::vector<YamlNode> documents;
  std::vector<YamlProblem> problems;
};

// Reads every document. Aliases and tags other than !!str are problems, as are limits passed,
// bytes that are no UTF-8 and control characters. Never throws.
YamlFile ReadYaml(absl::string_view text);

}  // namespace hotplugger
