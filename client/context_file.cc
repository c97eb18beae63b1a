#include "client/context_file.h"

#include <fcntl.h>

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/json_string.h"
#include "client/text.h"
#include "client/yaml_text.h"
#include "common/error_info.h"
#include "common/regular_file.h"
#include "common/status_macros.h"
#include "common/yaml/file_errors.h"
#include "common/yaml/yaml_tree.h"

namespace hotplugger::client {
namespace {

constexpr size_t kMaxNameLength = 63;
// Named as the file, it means that there are no contexts.
constexpr char kNothing[] = "/dev/null";
constexpr absl::Duration kMaxTimeout = absl::Hours(1);

// The text of a scalar; an error and "" for anything else.
std::string TextOf(const YamlNode& node, absl::string_view path, FileErrors* errors) {
  if (node.kind == YamlNode::Kind::kScalar) return node.text;
  errors->Add(node.place, path, absl::StrCat(DescribeYaml(node), " is given where text is right"));
  return "";
}

void ReadTimeout(const YamlNode& node, absl::string_view path, Context* context,
                 FileErrors* errors) {
  absl::Duration timeout;
  if (node.kind == YamlNode::Kind::kScalar && absl::ParseDuration(node.text, &timeout) &&
      timeout > absl::ZeroDuration() && timeout <= kMaxTimeout) {
    context->timeout = timeout;
    return;
  }
  errors->Add(node.place, path,
              absl::StrCat(DescribeYaml(node), " is no time above 0 and up to 1h, e.g. 10s"));
}

void ReadContextField(const YamlNode& key, const YamlNode& value, const std::string& path,
                      Context* context, FileErrors* errors) {
  if (key.text == "name") {
    context->name = TextOf(value, path, errors);
  } else if (key.text == "controller") {
    context->controller = TextOf(value, path, errors);
  } else if (key.text == "insecure") {
    context->insecure = value.text == "true";
    if (value.text != "true" && value.text != "false") {
      errors->Add(value.place, path, absl::StrCat(DescribeYaml(value), " is not true or false"));
    }
  } else if (key.text == "timeout") {
    ReadTimeout(value, path, context, errors);
  } else {
    errors->AddUnknownKey(key, path, {"name", "controller", "insecure", "timeout"});
  }
}

void ReadContext(const YamlNode& node, const std::string& path, Contexts* contexts,
                 FileErrors* errors) {
  if (node.kind != YamlNode::Kind::kMap) {
    errors->Add(node.place, path,
                absl::StrCat(DescribeYaml(node), " is given where a map is right"));
    return;
  }
  Context context;
  for (size_t i = 0; i + 1 < node.children.size(); i += 2) {
    const YamlNode& key = node.children[i];
    ReadContextField(key, node.children[i + 1], JoinYamlPath(path, key.text), &context, errors);
  }
  const absl::Status name = CheckContextName(context.name);
  if (!name.ok()) errors->Add(node.place, JoinYamlPath(path, "name"), name.message());
  if (context.controller.empty()) {
    errors->Add(node.place, JoinYamlPath(path, "controller"), "is missing; write HOST:PORT");
  }
  if (contexts->Find(context.name) != nullptr) {
    errors->Add(node.place, path,
                absl::StrCat("the context ", Printable(context.name), " is there twice"));
  }
  contexts->Set(std::move(context));
}

void ReadContextList(const YamlNode& node, Contexts* contexts, FileErrors* errors) {
  if (node.kind != YamlNode::Kind::kSequence) {
    errors->Add(node.place, "contexts",
                absl::StrCat(DescribeYaml(node), " is given where a list is right"));
    return;
  }
  for (size_t i = 0; i < node.children.size(); ++i) {
    ReadContext(node.children[i], absl::StrCat("contexts[", i, "]"), contexts, errors);
  }
}

void ReadDocument(const YamlNode& document, Contexts* contexts, FileErrors* errors) {
  if (document.kind != YamlNode::Kind::kMap) {
    errors->Add(document.place, "", "the document is not a map of fields");
    return;
  }
  for (size_t i = 0; i + 1 < document.children.size(); i += 2) {
    const YamlNode& key = document.children[i];
    const YamlNode& value = document.children[i + 1];
    if (key.text == "current") {
      contexts->current = TextOf(value, "current", errors);
    } else if (key.text == "contexts") {
      ReadContextList(value, contexts, errors);
    } else {
      errors->AddUnknownKey(key, key.text, {"current", "contexts"});
    }
  }
}

std::string ContextJson(const Context& context) {
  std::string json = absl::StrCat("{\"name\":", JsonString(context.name),
                                  ",\"controller\":", JsonString(context.controller));
  if (context.insecure) absl::StrAppend(&json, ",\"insecure\":true");
  if (context.timeout) {
    absl::StrAppend(&json, ",\"timeout\":", JsonString(absl::FormatDuration(*context.timeout)));
  }
  return json + "}";
}

bool ByName(const Context& a, const Context& b) { return a.name < b.name; }

}  // namespace

const Context* Contexts::Find(absl::string_view name) const {
  const auto found = std::find_if(contexts.begin(), contexts.end(),
                                  [name](const Context& known) { return known.name == name; });
  return found == contexts.end() ? nullptr : &*found;
}

void Contexts::Set(Context context) {
  contexts.erase(std::remove_if(contexts.begin(), contexts.end(),
                                [&](const Context& old) { return old.name == context.name; }),
                 contexts.end());
  contexts.push_back(std::move(context));
  std::sort(contexts.begin(), contexts.end(), &ByName);
}

std::string ContextPath(const Surroundings& surroundings) {
  std::string given = surroundings.Variable("HOTPLUGCTL_CONFIG").value_or("");
  if (!given.empty()) return given;
  const std::string home = surroundings.Variable("HOME").value_or("");
  return home.empty() ? "" : absl::StrCat(home, "/.config/hotplugger/config.yaml");
}

absl::StatusOr<Contexts> ParseContexts(absl::string_view file, absl::string_view text) {
  FileErrors errors{Printable(file)};
  const YamlFile yaml = ReadYaml(text);
  Contexts contexts;
  for (const YamlProblem& problem : yaml.problems) {
    errors.Add(problem.place, "", problem.description);
  }
  if (yaml.documents.size() > 1) {
    errors.Add(yaml.documents[1].place, "", "is a second document; write one");
  }
  if (!yaml.documents.empty()) ReadDocument(yaml.documents.front(), &contexts, &errors);
  RETURN_IF_ERROR(errors.ToStatus());
  return contexts;
}

std::string ContextsJson(const Contexts& contexts) {
  std::vector<std::string> entries;
  entries.reserve(contexts.contexts.size());
  for (const Context& context : contexts.contexts) entries.push_back(ContextJson(context));
  return absl::StrCat("{\"current\":", JsonString(contexts.current), ",\"contexts\":[",
                      absl::StrJoin(entries, ","), "]}");
}

std::string FormatContexts(const Contexts& contexts) {
  return YamlFromJson(ContextsJson(contexts));
}

absl::Status CheckContextName(absl::string_view name) {
  if (!name.empty() && name.size() <= kMaxNameLength &&
      std::all_of(name.begin(), name.end(), [](unsigned char byte) {
        return absl::ascii_isalnum(byte) || byte == '-' || byte == '_' || byte == '.';
      })) {
    return absl::OkStatus();
  }
  return MakeError(absl::StatusCode::kInvalidArgument, "BAD_CONTEXT_NAME",
                   absl::StrCat("\"", Printable(name.substr(0, kMaxNameLength)),
                                "\" is no name of a context: 1 to 63 letters, digits, '-', '_' "
                                "and '.'"));
}

absl::StatusOr<Context> FindContext(const Contexts& contexts, const std::string& name,
                                    const std::string& path) {
  const Context* const found = contexts.Find(name);
  if (found != nullptr) return *found;
  std::vector<std::string> names;
  names.reserve(contexts.contexts.size());
  for (const Context& context : contexts.contexts) names.push_back(context.name);
  return MakeError(
      absl::StatusCode::kNotFound, "NO_CONTEXT",
      absl::StrCat("there is no context ", Printable(name), " in ",
                   path.empty() ? "the configuration" : Printable(path),
                   names.empty() ? ", which has none" : ", which has ", absl::StrJoin(names, ", "),
                   "; `hotplugctl config set-context NAME --controller HOST:PORT` makes one"));
}

absl::StatusOr<Contexts> ContextFile::Read() const {
  if (path_.empty()) {
    return MakeError(absl::StatusCode::kFailedPrecondition, "NO_CONFIG",
                     "there is no home to keep contexts in; set HOME, or name a file by "
                     "HOTPLUGCTL_CONFIG");
  }
  if (path_ == kNothing) return Contexts();
  RETURN_IF_ERROR(CheckOnlyOwnerWrites(path_));
  ASSIGN_OR_RETURN(const std::optional<std::string> text,
                   ReadRegularFile(AT_FDCWD, path_, Printable(path_), kMaxYamlBytes));
  if (!text) return Contexts();
  return ParseContexts(path_, *text);
}

absl::Status ContextFile::Update(const std::function<absl::Status(Contexts*)>& change,
                                 const LockWait& wait) const {
  // What is wrong with it is told before anything is made beside it.
  RETURN_IF_ERROR(Read().status());
  ASSIGN_OR_RETURN(const ScopedFd lock, LockPrivateFile(path_, wait));
  ASSIGN_OR_RETURN(Contexts contexts, Read());
  RETURN_IF_ERROR(change(&contexts));
  return WritePrivateFile(path_, FormatContexts(contexts));
}

}  // namespace hotplugger::client
