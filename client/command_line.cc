#include "client/command_line.h"

#include <algorithm>
#include <exception>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "client/command.h"
#include "client/exit_code_text.h"
#include "client/fleet_target.h"
#include "client/output.h"
#include "client/parser.h"
#include "client/retrying_fleet_client.h"
#include "client/scope_flags.h"
#include "client/text.h"
#include "client/verb_table.h"
#include "common/error_info.h"
#include "common/status_macros.h"

namespace hotplugger::client {
namespace {

std::string Footer() {
  std::string text = absl::StrCat(
      "The flags above go before or after the verb; `hotplugctl VERB --help` shows a verb's own.\n"
      "Data goes to standard output, everything else to standard error.\n"
      "Exit status:");
  for (const ExitCodeText& code : ExitCodeTexts()) {
    absl::StrAppend(&text, "\n", absl::StrFormat("%4d  %s", code.code, code.meaning));
  }
  return text;
}

OutputFormat FormatOf(const ScopeFlags& flags) {
  if (flags.format == "json") return OutputFormat::kJson;
  return flags.format == "yaml" ? OutputFormat::kYaml : OutputFormat::kTable;
}

// Whether --host is among the flags: it decides which verbs there are, so it is looked for before
// the parser is made. It is never the value of another flag: values don't begin with a dash.
bool HasHostFlag(const std::vector<std::string>& arguments) {
  const auto end = std::find(arguments.begin(), arguments.end(), "--");
  return std::find(arguments.begin(), end, "--host") != end;
}

// A parser for one scope. Not copyable: CLI11 keeps pointers into it.
class CommandLine {
 public:
  explicit CommandLine(bool host_scope)
      : app_(host_scope ? "Hotplug control of this host, through its agent."
                        : "Hotplug control of a fleet, through its controller. "
                          "`hotplugctl --host --help` shows the verbs for this host.",
             host_scope ? "hotplugctl --host" : "hotplugctl") {
    flags_.host_scope = host_scope;
    app_.require_subcommand(1);
    app_.footer(Footer());
    ParserArguments arguments(&app_);
    DeclareScopeFlags(arguments, &flags_);
    for (const Verb& verb : host_scope ? HostVerbs() : FleetVerbs()) Declare(verb);
  }
  CommandLine(const CommandLine&) = delete;
  CommandLine& operator=(const CommandLine&) = delete;

  // The exit status where parsing is all there is to do (--help, a mistake).
  std::optional<ExitCode> Parse(std::vector<std::string> arguments, std::ostream& out,
                                std::ostream& err) {
    SeparateEmptyValues(&arguments);
    std::reverse(arguments.begin(), arguments.end());  // as CLI11 takes them
    try {
      app_.parse(std::move(arguments));
    } catch (const CLI::CallForHelp&) {
      out << app_.help();
      return ExitCode::kOk;
    } catch (const CLI::ParseError& error) {
      const auto chosen = app_.get_subcommands();
      err << "hotplugctl: " << Printable(error.what()) << "\n  see: " << app_.get_name() << ' '
          << (chosen.empty() ? "" : chosen.front()->get_name() + " ") << "--help\n";
      return ExitCode::kUsage;
    } catch (const std::exception& error) {
      err << "hotplugctl: can't read the arguments: " << Printable(error.what()) << '\n';
      return ExitCode::kUsage;
    }
    return std::nullopt;
  }

  const ScopeFlags& flags() const { return flags_; }

  // Of the verb that was parsed.
  const Verb& verb() const { return *Chosen().verb; }
  const Action& action() const { return Chosen().action; }

 private:
  struct Declared {
    const Verb* verb;
    CLI::App* app;
    Action action;
  };

  // CLI11 takes the next argument for the value of `--reason=`; what a person, or a script's empty
  // variable, means by that is an empty one.
  void SeparateEmptyValues(std::vector<std::string>* arguments) const {
    for (size_t i = 0; i < arguments->size() && (*arguments)[i] != "--"; ++i) {
      const absl::string_view argument = (*arguments)[i];
      if (!absl::StartsWith(argument, "--") || !absl::EndsWith(argument, "=")) continue;
      std::string flag(argument.substr(0, argument.size() - 1));
      if (!TakesValue(flag)) continue;
      (*arguments)[i] = std::move(flag);
      arguments->insert(arguments->begin() + static_cast<std::ptrdiff_t>(++i), "");
    }
  }

  // Whether the flag, of whichever verb, takes the next argument.
  bool TakesValue(const std::string& flag) const {
    const auto takes = [&flag](const CLI::App& app) {
      const CLI::Option* const option = app.get_option_no_throw(flag);
      return option != nullptr && option->get_items_expected_min() > 0;
    };
    return takes(app_) || std::any_of(declared_.begin(), declared_.end(),
                                      [&](const Declared& known) { return takes(*known.app); });
  }

  void Declare(const Verb& verb) {
    CLI::App* app = app_.add_subcommand(verb.name, verb.help);
    // The scope's flags are taken after the verb too.
    app->fallthrough();
    if (verb.examples != nullptr) {
      app->footer(
          absl::StrCat("Examples:\n  ", absl::StrReplaceAll(verb.examples, {{"\n", "\n  "}})));
    }
    ParserArguments arguments(app);
    declared_.push_back({&verb, app, verb.declare(arguments)});
  }

  const Declared& Chosen() const {
    return *std::find_if(declared_.begin(), declared_.end(),
                         [](const Declared& declared) { return declared.app->parsed(); });
  }

  CLI::App app_;
  ScopeFlags flags_;
  std::vector<Declared> declared_;
};

// The clients of the scope that a verb runs in.
struct Clients {
  std::unique_ptr<FleetClient> fleet;
  std::unique_ptr<HostClient> host;
};

bool TellsRetries(const ScopeFlags& flags, const Environment& environment) {
  return flags.verbose || environment.surroundings.ErrorsAreOnTerminal();
}

// Tells a person that a call is tried again; at a terminal once, for those after it are alike.
std::function<void(const std::string&)> RetryTeller(const ScopeFlags& flags,
                                                    Environment& environment) {
  if (!TellsRetries(flags, environment)) return [](const std::string&) {};
  return [&err = environment.err, always = flags.verbose,
          told = false](const std::string& text) mutable {
    if (!told || always) err << "hotplugctl: " << text << '\n' << std::flush;
    told = true;
  };
}

// What a person waits for that nobody is there: --timeout where they say so.
absl::Duration FirstContactOf(const ScopeFlags& flags, absl::Duration call_timeout) {
  return flags.timeout.value_or(std::min(kFirstContact, call_timeout));
}

absl::StatusOr<Clients> Connect(const CommandLine& command_line, Environment& environment) {
  Clients clients;
  if (!command_line.verb().needs_client) return clients;
  const ScopeFlags& flags = command_line.flags();
  if (flags.host_scope) {
    ASSIGN_OR_RETURN(clients.host, environment.connector.ConnectHost(ResolveHostTarget(flags)));
  } else {
    ASSIGN_OR_RETURN(const FleetTarget target, ResolveFleetTarget(flags, environment.surroundings));
    ASSIGN_OR_RETURN(std::unique_ptr<FleetClient> fleet,
                     environment.connector.ConnectFleet(target));
    clients.fleet = MakeRetryingFleetClient(
        std::move(fleet),
        {target.call_timeout, FirstContactOf(flags, target.call_timeout), environment.steady_clock,
         environment.pause, RetryTeller(flags, environment)});
  }
  return clients;
}

// INVALID_ARGUMENT where the verb can't print as it is asked to.
absl::Status CheckFormat(const CommandLine& command_line) {
  const std::string& format = command_line.flags().format;
  if (command_line.verb().lists || (format != "wide" && format != "name")) return absl::OkStatus();
  return MakeFieldErrors(
      {{"--output", absl::StrCat(format, " is for lists alone; ", command_line.verb().name,
                                 " prints a table, json or yaml")}});
}

Session MakeSession(const CommandLine& command_line, const Clients& clients,
                    Environment& environment) {
  const ScopeFlags& flags = command_line.flags();
  return {clients.fleet.get(),
          clients.host.get(),
          FormatOf(flags),
          flags.format == "wide",
          flags.format == "name",
          WantsColours(environment.surroundings),
          flags,
          environment.surroundings,
          environment.clock,
          environment.steady_clock,
          environment.pause,
          environment.in,
          environment.out,
          environment.err,
          TellsRetries(flags, environment),
          environment.catch_interrupt};
}

}  // namespace

ExitCode RunCommandLine(const std::vector<std::string>& arguments, Environment& environment) {
  CommandLine command_line(HasHostFlag(arguments));
  if (const auto exit_code = command_line.Parse(arguments, environment.out, environment.err)) {
    return *exit_code;
  }
  absl::Status flags = CheckFormat(command_line);
  absl::StatusOr<Clients> clients;
  if (flags.ok()) {
    clients = Connect(command_line, environment);
    flags = clients.status();
  }
  if (!flags.ok()) {
    // Nothing was called yet: it is the flags that are wrong.
    PrintError(flags, environment.err);
    return ExitCode::kUsage;
  }
  Session session = MakeSession(command_line, *clients, environment);
  const absl::StatusOr<ExitCode> exit_code = command_line.action()(session);
  if (exit_code.ok()) return *exit_code;
  PrintError(exit_code.status(), environment.err);
  return ExitCodeFor(exit_code.status());
}

}  // namespace hotplugger::client
