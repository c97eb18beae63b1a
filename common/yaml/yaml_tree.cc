#include "common/yaml/yaml_tree.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <exception>
#include <optional>
#include <sstream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/text.h"

namespace hotplugger {
namespace {

// Of a tag that is refused.
constexpr size_t kMaxShownTag = 60;

YamlPlace ToPlace(const YAML::Mark& mark) {
  if (mark.is_null()) return {};
  return {mark.line + 1, mark.column + 1};
}

// Builds the tree of one document. Problems are thrown as yaml-cpp's own exceptions: nothing else
// stops its parser, and ReadYaml catches them.
class TreeBuilder final : public YAML::EventHandler {
 public:
  YamlNode Take() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark& /*mark*/) override {
    open_.clear();
    root_ = {};
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t /*anchor*/) override {
    Add(MakeNode(YamlNode::Kind::kNull, mark));
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t /*anchor*/) override {
    throw YAML::ParserException(mark, "an alias (*name) is not taken here; write the value out");
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t /*anchor*/,
                const std::string& value) override {
    YamlNode node = MakeNode(YamlNode::Kind::kScalar, mark);
    // yaml-cpp's tags for what has none: "?" for a plain scalar, "!" for one in quotes.
    node.quoted = tag == "!" || tag == "tag:yaml.org,2002:str";
    if (!node.quoted) CheckTag(mark, tag);
    node.text = value;
    Add(std::move(node));
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t /*anchor*/,
                       YAML::EmitterStyle::value /*style*/) override {
    Open(YamlNode::Kind::kSequence, mark, tag);
  }
  void OnSequenceEnd() override { Close(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t /*anchor*/,
                  YAML::EmitterStyle::value /*style*/) override {
    Open(YamlNode::Kind::kMap, mark, tag);
  }
  void OnMapEnd() override { Close(); }

 private:
  static YamlNode MakeNode(YamlNode::Kind kind, const YAML::Mark& mark) {
    YamlNode node;
    node.kind = kind;
    node.place = ToPlace(mark);
    return node;
  }

  static void CheckTag(const YAML::Mark& mark, const std::string& tag) {
    if (tag.empty() || tag == "?" || tag == "!") return;
    throw YAML::ParserException(mark,
                                absl::StrCat("the tag ", Printable(CutText(tag, kMaxShownTag)),
                                             " is not taken here; leave it out"));
  }

  void Open(YamlNode::Kind kind, const YAML::Mark& mark, const std::string& tag) {
    CheckTag(mark, tag);
    if (open_.size() >= kMaxYamlDepth) {
      throw YAML::ParserException(mark, absl::StrCat("nested deeper than ", kMaxYamlDepth,
                                                     " levels, which nothing here needs"));
    }
    open_.push_back(MakeNode(kind, mark));
  }

  void Close() {
    YamlNode node = std::move(open_.back());
    open_.pop_back();
    Add(std::move(node));
  }

  void Add(YamlNode node) {
    if (open_.empty()) {
      root_ = std::move(node);
    } else {
      open_.back().children.push_back(std::move(node));
    }
  }

  std::vector<YamlNode> open_;
  YamlNode root_;
};

// The first byte that is no text. yaml-cpp takes \x04 for the end of the file, and would read half
// a file without a word.
std::optional<YamlProblem> FindBadByte(absl::string_view text) {
  YamlPlace place{1, 1};
  for (size_t i = 0; i < text.size();) {
    const size_t length = Utf8SequenceLength(text.substr(i));
    if (length == 0) {
      return YamlProblem{place,
                         absl::StrCat("byte ", i + 1, " is not UTF-8; save the file as UTF-8")};
    }
    const auto byte = static_cast<unsigned char>(text[i]);
    if ((byte < 0x20 && byte != '\n' && byte != '\r' && byte != '\t') || byte == 0x7f) {
      return YamlProblem{place, absl::StrCat("a control character (byte ", i + 1,
                                             "); write it as an escape in double quotes")};
    }
    i += length;
    ++place.column;
    if (byte == '\n') place = {place.line + 1, 1};
  }
  return std::nullopt;
}

// May throw what yaml-cpp throws.
void ReadDocuments(absl::string_view text, YamlFile* file) {
  std::istringstream stream{std::string(text)};
  YAML::Parser parser(stream);
  TreeBuilder builder;
  // The bound also ends yaml-cpp where it makes documents without end from a token that it leaves.
  for (size_t count = 0; parser.HandleNextDocument(builder); ++count) {
    YamlNode document = builder.Take();
    if (count >= kMaxYamlDocuments) {
      file->problems.push_back(
          {document.place, absl::StrCat("more than ", kMaxYamlDocuments, " documents")});
      return;
    }
    if (document.kind != YamlNode::Kind::kNull) file->documents.push_back(std::move(document));
  }
}

}  // namespace

YamlFile ReadYaml(absl::string_view text) {
  YamlFile file;
  if (text.size() > kMaxYamlBytes) {
    file.problems.push_back({{}, absl::StrCat("larger than ", kMaxYamlBytes, " bytes")});
    return file;
  }
  if (auto problem = FindBadByte(text)) {
    file.problems.push_back(*std::move(problem));
    return file;
  }
  try {
    ReadDocuments(text, &file);
  } catch (const YAML::Exception& exception) {
    file.problems.push_back(
        {ToPlace(exception.mark), absl::StrCat("not readable as YAML: ", exception.msg)});
  } catch (const std::exception& exception) {
    file.problems.push_back({{}, absl::StrCat("not readable as YAML: ", exception.what())});
  }
  return file;
}

}  // namespace hotplugger
