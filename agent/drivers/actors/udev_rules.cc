#include "agent/drivers/actors/udev_rules.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"

namespace hotplugger::agent {
namespace {

// One `KEY OP "VALUE"` of a rule.
struct Token {
  absl::string_view key;
  absl::string_view operation;
  absl::string_view value;
};

// udev's own syntax: what isn't like it is skipped, as udev does.
std::vector<Token> Tokens(absl::string_view rule) {
  std::vector<Token> tokens;
  while (!rule.empty()) {
    const size_t quote = rule.find('"');
    if (quote == absl::string_view::npos) break;
    const size_t end = rule.find('"', quote + 1);
    if (end == absl::string_view::npos) break;
    const absl::string_view head = absl::StripAsciiWhitespace(rule.substr(0, quote));
    const size_t sign = head.find_first_of("=!+-:");
    if (sign != absl::string_view::npos) {
      absl::string_view key = absl::StripAsciiWhitespace(head.substr(0, sign));
      while (!key.empty() && (key.front() == ',' || key.front() == ' ')) key.remove_prefix(1);
      tokens.push_back({key, absl::StripAsciiWhitespace(head.substr(sign)),
                        rule.substr(quote + 1, end - quote - 1)});
    }
    rule.remove_prefix(end + 1);
  }
  return tokens;
}

bool Assigns(const Token& token) { return token.operation == "=" || token.operation == ":="; }

// The write that a rule does; empty where it does none.
std::string WriteOf(absl::string_view rule) {
  bool other_subsystem = false;
  std::string write;
  for (const Token& token : Tokens(rule)) {
    if (token.key == "SUBSYSTEM" && token.operation == "==") {
      other_subsystem = !absl::StrContains(token.value, "cpu") &&
                        !absl::StrContains(token.value, "memory") &&
                        !absl::StrContains(token.value, "*");
    }
    const bool state = token.key == "ATTR{online}" || token.key == "ATTR{state}";
    const bool onlines = token.value == "1" || absl::StartsWith(token.value, "online");
    // A variable of the rule, as "$env{state}", may be one of these.
    if (state && Assigns(token) && (onlines || absl::StartsWith(token.value, "$"))) {
      write = absl::StrCat(token.key, "=", token.value);
    }
    const bool runs = absl::StartsWith(token.key, "RUN") && token.operation != "==";
    if (runs &&
        (absl::StrContains(token.value, "/online") || absl::StrContains(token.value, "/state"))) {
      write = absl::StrCat("RUN ", token.value);
    }
  }
  return other_subsystem ? "" : write;
}

}  // namespace

std::vector<UdevWrite> FindUdevWrites(absl::string_view text) {
  std::vector<UdevWrite> writes;
  std::string rule;
  int line_number = 0;
  int first_line = 0;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    ++line_number;
    if (rule.empty()) first_line = line_number;
    const absl::string_view stripped = absl::StripAsciiWhitespace(line);
    if (absl::StartsWith(stripped, "#")) continue;
    const bool goes_on = absl::EndsWith(stripped, "\\");
    absl::StrAppend(&rule, stripped.substr(0, stripped.size() - (goes_on ? 1 : 0)));
    if (goes_on) continue;
    std::string write = WriteOf(rule);
    if (!write.empty()) writes.push_back({first_line, std::move(write)});
    rule.clear();
  }
  return writes;
}

}  // namespace hotplugger::agent
