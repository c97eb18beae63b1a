// Text from elsewhere made safe to show, and what names need.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace hotplugger {

// Bytes of the UTF-8 sequence that `text` begins with; 0 where it begins with none.
size_t Utf8SequenceLength(absl::string_view text);

// `text` with control characters, those that turn the direction of text, and bytes that are no
// UTF-8 as escapes (\n, \x1b, \u202e): it can neither move a terminal's cursor nor break a line.
std::string Printable(absl::string_view text);

// As Printable, but lines stay lines.
std::string PrintableLines(absl::string_view text);

// `text`, or where it has more than `max_bytes` as much of its beginning as fits with "…" after it;
// no character is cut in two.
std::string CutText(absl::string_view text, size_t max_bytes);

// How many columns `printable` takes: code points.
size_t DisplayWidth(absl::string_view printable);

// The entry of `known` that a person may have meant by `name`, or "" where none is near.
std::string ClosestName(absl::string_view name, const std::vector<std::string>& known);

}  // namespace hotplugger
