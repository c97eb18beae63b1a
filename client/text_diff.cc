#include "client/text_diff.h"

#include <algorithm>
#include <cstddef>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace hotplugger::client {
namespace {

constexpr size_t kContext = 3;
// Of the table of common lines; some megabytes.
constexpr size_t kMaxCells = 4'000'000;

using Lines = std::vector<absl::string_view>;

Lines SplitLines(absl::string_view text) {
  Lines lines = absl::StrSplit(text, '\n');
  // Nothing follows the last line's end.
  lines.pop_back();
  return lines;
}

// A line of both texts, of the old one alone ('-') or of the new one alone ('+').
struct Edit {
  char mark = ' ';
  absl::string_view line;
};

// The lines of the middle, where neither the first nor the last lines are the same.
class Middle {
 public:
  Middle(const Lines& old_lines, const Lines& new_lines) : old_(old_lines), new_(new_lines) {}

  void AppendTo(std::vector<Edit>* edits) {
    if (old_.empty() || new_.empty() || old_.size() + 1 > kMaxCells / (new_.size() + 1)) {
      for (const absl::string_view line : old_) edits->push_back({'-', line});
      for (const absl::string_view line : new_) edits->push_back({'+', line});
      return;
    }
    CountCommon();
    size_t i = 0;
    size_t j = 0;
    while (i < old_.size() || j < new_.size()) {
      if (i < old_.size() && j < new_.size() && old_[i] == new_[j]) {
        edits->push_back({' ', old_[i++]});
        ++j;
      } else if (j == new_.size() || (i < old_.size() && At(i + 1, j) >= At(i, j + 1))) {
        edits->push_back({'-', old_[i++]});
      } else {
        edits->push_back({'+', new_[j++]});
      }
    }
  }

 private:
  // How many lines those from i and those from j on have in common at most, in their order.
  int& At(size_t i, size_t j) { return common_[i * (new_.size() + 1) + j]; }

  void CountCommon() {
    common_.assign((old_.size() + 1) * (new_.size() + 1), 0);
    for (size_t i = old_.size(); i-- > 0;) {
      for (size_t j = new_.size(); j-- > 0;) {
        At(i, j) = old_[i] == new_[j] ? At(i + 1, j + 1) + 1 : std::max(At(i + 1, j), At(i, j + 1));
      }
    }
  }

  const Lines& old_;
  const Lines& new_;
  std::vector<int> common_;
};

std::vector<Edit> Compare(const Lines& old_lines, const Lines& new_lines) {
  const size_t shorter = std::min(old_lines.size(), new_lines.size());
  size_t first = 0;
  while (first < shorter && old_lines[first] == new_lines[first]) ++first;
  size_t last = 0;
  while (last < shorter - first &&
         old_lines[old_lines.size() - 1 - last] == new_lines[new_lines.size() - 1 - last]) {
    ++last;
  }
  std::vector<Edit> edits;
  for (size_t i = 0; i < first; ++i) edits.push_back({' ', old_lines[i]});
  const auto middle = [first, last](const Lines& lines) {
    return Lines(lines.begin() + static_cast<std::ptrdiff_t>(first),
                 lines.end() - static_cast<std::ptrdiff_t>(last));
  };
  const Lines old_middle = middle(old_lines);
  const Lines new_middle = middle(new_lines);
  Middle(old_middle, new_middle).AppendTo(&edits);
  for (size_t i = old_lines.size() - last; i < old_lines.size(); ++i) {
    edits.push_back({' ', old_lines[i]});
  }
  return edits;
}

// "3,7": where lines begin, from 1, and how many they are. Of none the line before them.
std::string RangeText(size_t before, size_t count) {
  const size_t start = count == 0 ? before : before + 1;
  return count == 1 ? absl::StrCat(start) : absl::StrCat(start, ",", count);
}

// The edits [begin, end) below their heading.
std::string Hunk(const std::vector<Edit>& edits, size_t begin, size_t end) {
  const auto count = [&edits](size_t from, size_t to, char other) {
    return static_cast<size_t>(
        std::count_if(edits.begin() + static_cast<std::ptrdiff_t>(from),
                      edits.begin() + static_cast<std::ptrdiff_t>(to),
                      [other](const Edit& edit) { return edit.mark != other; }));
  };
  std::string text =
      absl::StrCat("@@ -", RangeText(count(0, begin, '+'), count(begin, end, '+')), " +",
                   RangeText(count(0, begin, '-'), count(begin, end, '-')), " @@\n");
  for (size_t i = begin; i < end; ++i) {
    absl::StrAppend(&text, std::string(1, edits[i].mark), edits[i].line, "\n");
  }
  return text;
}

}  // namespace

std::string UnifiedDiff(absl::string_view old_name, absl::string_view new_name,
                        absl::string_view old_text, absl::string_view new_text) {
  if (old_text == new_text) return "";
  const Lines old_lines = SplitLines(old_text);
  const Lines new_lines = SplitLines(new_text);
  const std::vector<Edit> edits = Compare(old_lines, new_lines);
  std::string diff = absl::StrCat("--- ", old_name, "\n+++ ", new_name, "\n");
  const auto is_change = [&edits](size_t i) { return edits[i].mark != ' '; };
  size_t next = 0;
  while (true) {
    while (next < edits.size() && !is_change(next)) ++next;
    if (next == edits.size()) return diff;
    const size_t begin = next - std::min(next, kContext);
    // Changes with few lines between them share a hunk.
    size_t last = next;
    for (size_t i = next; i < edits.size() && i <= last + 2 * kContext + 1; ++i) {
      if (is_change(i)) last = i;
    }
    const size_t end = std::min(edits.size(), last + 1 + kContext);
    diff += Hunk(edits, begin, end);
    next = last + 1;
  }
}

}  // namespace hotplugger::client
