#include "client/commands/config.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/context_file.h"
#include "client/text.h"
#include "common/error_info.h"
#include "common/status_macros.h"

namespace hotplugger::client {
namespace {

struct Options {
  std::string action;
  std::optional<std::string> name;
};

void PrintTable(const Contexts& contexts, Session& session) {
  Table table({"CURRENT", "NAME", "CONTROLLER", "INSECURE", "TIMEOUT"});
  for (const Context& context : contexts.contexts) {
    table.AddRow({context.name == contexts.current ? "*" : " ", context.name, context.controller,
                  context.insecure ? "yes" : "no",
                  context.timeout ? absl::FormatDuration(*context.timeout) : ""});
  }
  table.Print(session.out);
}

void GetContexts(const Contexts& contexts, Session& session) {
  if (session.format != OutputFormat::kTable) {
    PrintJsonAs(session.format, ContextsJson(contexts) + "\n", session.out);
  } else if (session.names_only) {
    for (const Context& context : contexts.contexts) session.out << context.name << '\n';
  } else {
    PrintTable(contexts, session);
  }
}

absl::Status UseContext(const std::string& name, const ContextFile& file, Contexts contexts,
                        Session& session) {
  RETURN_IF_ERROR(FindContext(contexts, name, file.path()).status());
  contexts.current = name;
  RETURN_IF_ERROR(file.Write(contexts));
  session.out << "context " << name << " is current now\n";
  return absl::OkStatus();
}

absl::Status SetContext(const std::string& name, const ContextFile& file, Contexts contexts,
                        Session& session) {
  RETURN_IF_ERROR(CheckContextName(name));
  const Context* const before = contexts.Find(name);
  Context context = before == nullptr ? Context() : *before;
  context.name = name;
  const ScopeFlags& flags = session.flags;
  if (flags.controller) context.controller = *flags.controller;
  if (flags.insecure) context.insecure = true;
  if (flags.timeout) context.timeout = flags.timeout;
  if (context.controller.empty()) {
    return MakeFieldErrors({{"--controller", "is missing; a new context needs HOST:PORT"}});
  }
  const char* const done = before == nullptr ? " made" : " changed";
  contexts.Set(std::move(context));
  // The first one is meant to be used.
  const bool is_first = contexts.contexts.size() == 1;
  if (is_first) contexts.current = name;
  RETURN_IF_ERROR(file.Write(contexts));
  session.out << "context " << name << done << (is_first ? ", and current now\n" : "\n");
  return absl::OkStatus();
}

absl::Status DeleteContext(const std::string& name, const ContextFile& file, Contexts contexts,
                           Session& session) {
  RETURN_IF_ERROR(FindContext(contexts, name, file.path()).status());
  auto& list = contexts.contexts;
  list.erase(std::remove_if(list.begin(), list.end(),
                            [&name](const Context& context) { return context.name == name; }),
             list.end());
  const bool was_current = contexts.current == name;
  if (was_current) contexts.current.clear();
  RETURN_IF_ERROR(file.Write(contexts));
  session.out << "context " << name << " deleted"
              << (was_current ? "; none is current now\n" : "\n");
  return absl::OkStatus();
}

absl::StatusOr<ExitCode> Config(const Options& options, Session& session) {
  const bool lists = options.action == "get-contexts";
  if (lists == options.name.has_value()) {
    return MakeFieldErrors(
        {{"NAME", absl::StrCat(lists ? "is not for " : "is missing for ", options.action)}});
  }
  const ContextFile file(ContextPath(session.surroundings));
  ASSIGN_OR_RETURN(Contexts contexts, file.Read());
  if (lists) {
    GetContexts(contexts, session);
  } else if (options.action == "use-context") {
    RETURN_IF_ERROR(UseContext(*options.name, file, std::move(contexts), session));
  } else if (options.action == "set-context") {
    RETURN_IF_ERROR(SetContext(*options.name, file, std::move(contexts), session));
  } else {
    RETURN_IF_ERROR(DeleteContext(*options.name, file, std::move(contexts), session));
  }
  return ExitCode::kOk;
}

}  // namespace

Action DeclareConfig(Arguments& arguments) {
  auto options = std::make_shared<Options>();
  arguments.Required("ACTION",
                     "list the contexts, make one current, make or change one (from --controller, "
                     "--insecure and --timeout), or delete one",
                     &options->action,
                     {"get-contexts", "use-context", "set-context", "delete-context"});
  arguments.Optional("NAME", "the context, but for get-contexts", &options->name);
  return [options](Session& session) { return Config(*options, session); };
}

}  // namespace hotplugger::client
