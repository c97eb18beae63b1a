#include "client/yaml_text.h"

#include <algorithm>
#include <array>
#include <cstddef>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"

namespace hotplugger::client {
namespace {

constexpr size_t kIndent = 2;

bool IsWordByte(char byte) {
  return absl::ascii_isalnum(static_cast<unsigned char>(byte)) || byte == '_' || byte == '-' ||
         byte == '.' || byte == '/';
}

// Whether YAML, old or new, takes `text` for itself when it stands without quotes.
bool IsPlainText(absl::string_view text) {
  static constexpr std::array<absl::string_view, 9> kOtherMeaning = {
      "true", "false", "yes", "no", "on", "off", "null", "y", "n"};
  return !text.empty() && absl::ascii_isalpha(static_cast<unsigned char>(text.front())) &&
         std::all_of(text.begin(), text.end(), &IsWordByte) &&
         std::none_of(kOtherMeaning.begin(), kOtherMeaning.end(), [text](absl::string_view word) {
           return absl::EqualsIgnoreCase(text, word);
         });
}

// One pass over the text. Past its end there is only '\0', so that nothing is ever read there.
class Converter {
 public:
  explicit Converter(absl::string_view json) : rest_(json) {}

  std::string Convert() {
    if (Next() == '{' || Next() == '[') {
      Block(0);
    } else {
      yaml_ += Scalar() + "\n";
    }
    return std::move(yaml_);
  }

 private:
  char Next() {
    rest_ = absl::StripLeadingAsciiWhitespace(rest_);
    return rest_.empty() ? '\0' : rest_.front();
  }

  bool Consume(char byte) {
    if (Next() != byte) return false;
    rest_.remove_prefix(1);
    return true;
  }

  // A map or a list whose lines begin with `indent` spaces; the first one's may be there already.
  void Block(size_t indent, bool first_is_indented = false) {
    const char end = Next() == '{' ? '}' : ']';
    rest_.remove_prefix(1);
    if (Consume(end)) {
      yaml_ += end == '}' ? "{}\n" : "[]\n";
      return;
    }
    do {
      if (!first_is_indented) yaml_.append(indent, ' ');
      first_is_indented = false;
      if (end == '}') {
        Entry(indent);
      } else {
        Item(indent);
      }
    } while (Consume(','));
    Consume(end);
  }

  void Entry(size_t indent) {
    yaml_ += Scalar() + ":";
    Consume(':');
    const char next = Next();
    if (next != '{' && next != '[') {
      yaml_ += " " + Scalar() + "\n";
    } else {
      yaml_ += BeginsEmpty() ? " " : "\n";
      // A list's dashes show where it belongs.
      Block(next == '{' ? indent + kIndent : indent);
    }
  }

  void Item(size_t indent) {
    yaml_ += "- ";
    if (Next() == '{' || Next() == '[') {
      Block(indent + kIndent, /*first_is_indented=*/true);
    } else {
      yaml_ += Scalar() + "\n";
    }
  }

  // Whether a map or list comes that has nothing in it.
  bool BeginsEmpty() const {
    const absl::string_view inside = absl::StripLeadingAsciiWhitespace(rest_.substr(1));
    return !inside.empty() && (inside.front() == '}' || inside.front() == ']');
  }

  // JSON's strings are YAML's too.
  std::string Scalar() {
    const bool quoted = Next() == '"';
    size_t length = quoted ? 1 : 0;
    while (length < rest_.size() && !(quoted ? rest_[length] == '"' : EndsLiteral(rest_[length]))) {
      length += rest_[length] == '\\' ? 2 : 1;
    }
    length = std::min(length + (quoted ? 1 : 0), rest_.size());
    absl::string_view text = rest_.substr(0, length);
    rest_.remove_prefix(length);
    if (quoted && length > 2 && IsPlainText(text.substr(1, length - 2))) {
      text = text.substr(1, length - 2);
    }
    return std::string(text);
  }

  static bool EndsLiteral(char byte) {
    return byte == ',' || byte == '}' || byte == ']' ||
           absl::ascii_isspace(static_cast<unsigned char>(byte));
  }

  absl::string_view rest_;
  std::string yaml_;
};

}  // namespace

std::string YamlFromJson(absl::string_view json) { return Converter(json).Convert(); }

}  // namespace hotplugger::client
