#include "common/text.h"

#include <algorithm>
#include <numeric>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace hotplugger {
namespace {

unsigned char ByteAt(absl::string_view text, size_t i) {
  return static_cast<unsigned char>(text[i]);
}

bool IsContinuation(unsigned char byte) { return (byte & 0xc0) == 0x80; }

// Whether a sequence of three bytes is a character that reorders text or breaks lines without being
// a control character: U+200E, U+200F, U+2028 to U+202E, U+2066 to U+2069.
bool IsLayoutCharacter(absl::string_view sequence) {
  if (sequence.size() != 3 || ByteAt(sequence, 0) != 0xe2) return false;
  const unsigned char last = ByteAt(sequence, 2);
  if (ByteAt(sequence, 1) == 0x80) {
    return last == 0x8e || last == 0x8f || (last >= 0xa8 && last <= 0xae);
  }
  return ByteAt(sequence, 1) == 0x81 && last >= 0xa6 && last <= 0xa9;
}

void AppendPrintable(absl::string_view text, bool keep_lines, std::string* out) {
  for (size_t i = 0; i < text.size();) {
    const unsigned char byte = ByteAt(text, i);
    const size_t length = Utf8SequenceLength(text.substr(i));
    // U+0080 to U+009F are control characters too.
    const bool high_control = length == 2 && byte == 0xc2 && ByteAt(text, i + 1) < 0xa0;
    if (byte == '\n') {
      out->append(keep_lines ? "\n" : "\\n");
    } else if (byte == '\t') {
      out->append("\\t");
    } else if (length == 0 || byte < 0x20 || byte == 0x7f) {
      absl::StrAppendFormat(out, "\\x%02x", byte);
    } else if (high_control) {
      absl::StrAppendFormat(out, "\\u%04x", ByteAt(text, i + 1));
    } else if (IsLayoutCharacter(text.substr(i, length))) {
      absl::StrAppendFormat(
          out, "\\u%04x",
          0x2000 + (ByteAt(text, i + 1) & 0x3f) * 64 + (ByteAt(text, i + 2) & 0x3f));
    } else {
      out->append(std::string(text.substr(i, length)));
    }
    i += std::max<size_t>(length, 1);
  }
}

// Levenshtein's distance.
size_t EditDistance(absl::string_view a, absl::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i + 1;
    for (size_t j = 0; j < b.size(); ++j) {
      const size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

}  // namespace

size_t Utf8SequenceLength(absl::string_view text) {
  if (text.empty()) return 0;
  const unsigned char first = ByteAt(text, 0);
  if (first < 0x80) return 1;
  // 0xc0 and 0xc1 would be overlong; above 0xf4 is beyond U+10FFFF.
  const size_t length = first < 0xc2   ? 0
                        : first < 0xe0 ? 2
                        : first < 0xf0 ? 3
                        : first < 0xf5 ? 4
                                       : 0;
  if (length == 0 || text.size() < length) return 0;
  for (size_t i = 1; i < length; ++i) {
    if (!IsContinuation(ByteAt(text, i))) return 0;
  }
  const unsigned char second = ByteAt(text, 1);
  const bool overlong = (first == 0xe0 && second < 0xa0) || (first == 0xf0 && second < 0x90);
  const bool surrogate = first == 0xed && second >= 0xa0;
  const bool too_large = first == 0xf4 && second >= 0x90;
  return overlong || surrogate || too_large ? 0 : length;
}

std::string Printable(absl::string_view text) {
  std::string out;
  AppendPrintable(text, /*keep_lines=*/false, &out);
  return out;
}

std::string PrintableLines(absl::string_view text) {
  std::string out;
  AppendPrintable(text, /*keep_lines=*/true, &out);
  return out;
}

std::string CutText(absl::string_view text, size_t max_bytes) {
  if (text.size() <= max_bytes) return std::string(text);
  constexpr absl::string_view kMark = "…";
  size_t end = max_bytes > kMark.size() ? max_bytes - kMark.size() : 0;
  // Back to where a character begins.
  while (end > 0 && IsContinuation(ByteAt(text, end))) --end;
  return absl::StrCat(text.substr(0, end), kMark);
}

size_t DisplayWidth(absl::string_view printable) {
  return static_cast<size_t>(std::count_if(printable.begin(), printable.end(), [](char c) {
    return !IsContinuation(static_cast<unsigned char>(c));
  }));
}

std::string ClosestName(absl::string_view name, const std::vector<std::string>& known) {
  // Longer than any name that is known: not worth the square of its length.
  if (name.size() > 64) return "";
  std::string closest;
  size_t least = std::max<size_t>(name.size() / 3, 1) + 1;
  for (const std::string& candidate : known) {
    const size_t distance =
        EditDistance(absl::AsciiStrToLower(name), absl::AsciiStrToLower(candidate));
    if (distance < least) {
      least = distance;
      closest = candidate;
    }
  }
  return closest;
}

}  // namespace hotplugger
