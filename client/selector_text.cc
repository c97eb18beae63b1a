#include "client/selector_text.h"

#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/names.h"

namespace hotplugger::client {
namespace {

using Requirement = v1::LabelRequirement;

// At commas, but for those in parentheses.
std::vector<absl::string_view> Conditions(absl::string_view text) {
  std::vector<absl::string_view> conditions;
  int depth = 0;
  size_t begin = 0;
  for (size_t i = 0; i <= text.size(); ++i) {
    if (i == text.size() || (text[i] == ',' && depth == 0)) {
      conditions.push_back(absl::StripAsciiWhitespace(text.substr(begin, i - begin)));
      begin = i + 1;
    } else if (text[i] == '(') {
      ++depth;
    } else if (text[i] == ')' && depth > 0) {
      --depth;
    }
  }
  return conditions;
}

// Reads one condition after another.
class Reader {
 public:
  Reader(const std::string& flag, v1::Selector* selector, Violations* violations)
      : flag_(flag), selector_(*selector), violations_(*violations) {}

  void Read(absl::string_view condition) {
    const size_t equals = condition.find('=');
    const size_t bracket = condition.find('(');
    if (condition.empty()) {
      Complain("there is nothing between two commas, or at an end");
    } else if (bracket != absl::string_view::npos && bracket < equals) {
      ReadSet(condition, bracket);
    } else if (equals != absl::string_view::npos) {
      ReadEquality(condition, equals);
    } else if (absl::ConsumePrefix(&condition, "!")) {
      Add(absl::StripAsciiWhitespace(condition), Requirement::OPERATOR_DOES_NOT_EXIST, {});
    } else {
      Add(condition, Requirement::OPERATOR_EXISTS, {});
    }
  }

 private:
  void Complain(const std::string& description) { violations_.push_back({flag_, description}); }

  // "a=b", "a==b" and "a!=b".
  void ReadEquality(absl::string_view condition, size_t equals) {
    absl::string_view key = condition.substr(0, equals);
    absl::string_view value = condition.substr(equals + 1);
    absl::ConsumePrefix(&value, "=");
    value = absl::StripAsciiWhitespace(value);
    const bool negated = absl::ConsumeSuffix(&key, "!");
    key = absl::StripAsciiWhitespace(key);
    if (negated) {
      Add(key, Requirement::OPERATOR_NOT_IN, {value});
    } else if (IsKey(key) && IsValue(value)) {
      const auto [label, is_new] =
          selector_.mutable_match_labels()->insert({std::string(key), std::string(value)});
      if (!is_new && label->second != value) {
        Complain(absl::StrCat(Quoted(key),
                              " is to have two values, and a node has one of it; "
                              "either is: ",
                              key, " in (", label->second, ",", value, ")"));
      }
    }
  }

  // "a in (b,c)" and "a notin (b,c)".
  void ReadSet(absl::string_view condition, size_t bracket) {
    const std::vector<absl::string_view> words =
        absl::StrSplit(condition.substr(0, bracket), absl::ByAnyChar(" \t\n"), absl::SkipEmpty());
    absl::string_view values = condition.substr(bracket + 1);
    const bool is_in = words.size() == 2 && words[1] == "in";
    if (!absl::ConsumeSuffix(&values, ")") ||
        (!is_in && (words.size() != 2 || words[1] != "notin"))) {
      Complain(absl::StrCat(Quoted(condition), " is not KEY in (A,B) or KEY notin (A,B)"));
      return;
    }
    std::vector<absl::string_view> list = absl::StrSplit(values, ',');
    for (absl::string_view& value : list) value = absl::StripAsciiWhitespace(value);
    Add(words[0], is_in ? Requirement::OPERATOR_IN : Requirement::OPERATOR_NOT_IN, list);
  }

  void Add(absl::string_view key, Requirement::Operator op,
           const std::vector<absl::string_view>& values) {
    bool right = IsKey(key);
    for (const absl::string_view value : values) right = IsValue(value) && right;
    if (!right) return;
    Requirement& requirement = *selector_.add_match_expressions();
    requirement.set_key(std::string(key));
    requirement.set_operator_(op);
    for (const absl::string_view value : values) requirement.add_values(std::string(value));
  }

  bool IsKey(absl::string_view key) {
    const absl::Status status = ValidateLabelKey(key);
    if (!status.ok()) {
      Complain(
          absl::StrCat(status.message(), "; conditions look like a=b, c!=d, e in (x,y), g, !h"));
    }
    return status.ok();
  }
  bool IsValue(absl::string_view value) {
    const absl::Status status = ValidateLabelValue(value);
    if (!status.ok()) Complain(std::string(status.message()));
    return status.ok();
  }

  const std::string& flag_;
  v1::Selector& selector_;
  Violations& violations_;
};

}  // namespace

void ReadSelector(const std::string& flag, const std::string& text, v1::Selector* selector,
                  Violations* violations) {
  if (absl::StripAsciiWhitespace(text).empty()) {
    violations->push_back({flag, "is empty; leave it out where no labels are asked for"});
    return;
  }
  Reader reader(flag, selector, violations);
  for (const absl::string_view condition : Conditions(text)) reader.Read(condition);
}

}  // namespace hotplugger::client
