#include "client/commands/config.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/context_file.h"
#include "client/controller_address.h"
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

// Each changes the contexts, and returns what it has done.
absl::StatusOr<std::string> UseContext(const std::string& name, const ContextFile& file,
                                       Contexts* contexts) {
  RETURN_IF_ERROR(FindContext(*contexts, name, file.path()).status());
  contexts->current = name;
  return absl::StrCat("context ", name, " is current now");
}

absl::StatusOr<std::string> SetContext(const std::string& name, const ScopeFlags& flags,
                                       Contexts* contexts) {
  RETURN_IF_ERROR(CheckContextName(name));
  const Context* const before = contexts->Find(name);
  Context context = before == nullptr ? Context() : *before;
  context.name = name;
  if (flags.controller) context.controller = *flags.controller;
  if (flags.insecure) context.insecure = true;
  if (flags.timeout) context.timeout = flags.timeout;
  if (before == nullptr && !flags.controller) {
    return MakeFieldErrors({{"--controller", "is missing; a new context needs HOST:PORT"}});
  }
  if (flags.controller) {
    RETURN_IF_ERROR(CheckControllerAddress("--controller", context.controller));
  }
  const char* const done = before == nullptr ? " made" : " changed";
  contexts->Set(std::move(context));
  // The first one is meant to be used.
  const bool is_first = contexts->contexts.size() == 1;
  if (is_first) contexts->current = name;
  return absl::StrCat("context ", name, done, is_first ? ", and current now" : "");
}

absl::StatusOr<std::string> DeleteContext(const std::string& name, const ContextFile& file,
                                          Contexts* contexts) {
  RETURN_IF_ERROR(FindContext(*contexts, name, file.path()).status());
  auto& list = contexts->contexts;
  list.erase(std::remove_if(list.begin(), list.end(),
                            [&name](const Context& context) { return context.name == name; }),
             list.end());
  const bool was_current = contexts->current == name;
  if (was_current) contexts->current.clear();
  return absl::StrCat("context ", name, " deleted", was_current ? "; none is current now" : "");
}

absl::Status Change(const Options& options, const ContextFile& file, Session& session) {
  std::string done;
  RETURN_IF_ERROR(file.Update(
      [&](Contexts* contexts) -> absl::Status {
        const std::string& name = *options.name;
        if (options.action == "use-context") {
          ASSIGN_OR_RETURN(done, UseContext(name, file, contexts));
        } else if (options.action == "set-context") {
          ASSIGN_OR_RETURN(done, SetContext(name, session.flags, contexts));
        } else {
          ASSIGN_OR_RETURN(done, DeleteContext(name, file, contexts));
        }
        return absl::OkStatus();
      },
      {session.steady_clock, session.pause}));
  session.out << done << '\n';
  return absl::OkStatus();
}

absl::StatusOr<ExitCode> Config(const Options& options, Session& session) {
  const bool lists = options.action == "get-contexts";
  if (lists == options.name.has_value()) {
    return MakeFieldErrors(
        {{"NAME", absl::StrCat(lists ? "is not for " : "is missing for ", options.action)}});
  }
  const ContextFile file(ContextPath(session.surroundings));
  if (lists) {
    ASSIGN_OR_RETURN(const Contexts contexts, file.Read());
    GetContexts(contexts, session);
  } else {
    RETURN_IF_ERROR(Change(options, file, session));
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
