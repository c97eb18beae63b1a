#include "client/command_line.h"

#include <algorithm>
#include <exception>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "client/command.h"
#include "client/commands/fleet/verbs.h"
#include "client/commands/host/verbs.h"
#include "client/commands/version.h"
#include "client/output.h"
#include "client/parser.h"
#include "client/text.h"
#include "common/status_macros.h"

namespace hotplugger::client {
namespace {

// The verbs of each scope, in the order of --help.
constexpr Verb kFleetVerbs[] = {
    {"apply", "Create or replace policies from a YAML file", &fleet::DeclareApply, true,
     "hotplugctl apply -f examples/quarantine-core.yaml --dry-run\n"
     "hotplugctl apply -f examples/quarantine-core.yaml"},
    {"get", "List nodes, policies or holds", &fleet::DeclareGet, true,
     "hotplugctl get nodes --policy quarantine-core\n"
     "hotplugctl get holds --node gamma -o yaml"},
    {"describe", "Show everything about one node", &fleet::DeclareDescribe, true,
     "hotplugctl describe node gamma"},
    {"delete", "Delete a policy, or forget a node that is not connected", &fleet::DeclareDelete,
     true,
     "hotplugctl delete policy quarantine-core\n"
     "hotplugctl delete node gamma"},
    {"offline", "Hold a device of a node offline, or a driver stopped", &fleet::DeclareOffline,
     true,
     "hotplugctl offline gamma cpu3 --reason 'machine checks, case 4711'\n"
     "hotplugctl offline gamma driver/mpdecision"},
    {"online", "Hold a device of a node online, or a driver running", &fleet::DeclareOnline, true,
     "hotplugctl online gamma memory32\n"
     "hotplugctl online beta driver/bricked"},
    {"release", "End a hold: the policies decide again", &fleet::DeclareRelease, true,
     "hotplugctl release gamma cpu3\n"
     "hotplugctl release beta driver/bricked"},
    {"wait", "Wait until nodes are in sync with what they are to be", &fleet::DeclareWait, true,
     "hotplugctl wait policy quarantine-core --timeout 5m\n"
     "hotplugctl wait nodes alpha beta"},
    {"drivers", "List the hotplug drivers of nodes, or what conflicts with them",
     &fleet::DeclareDrivers, true,
     "hotplugctl drivers --selector pool=lab\n"
     "hotplugctl drivers load --node alpha --node beta\n"
     "hotplugctl drivers --conflicts --selector pool=lab"},
    {"enable", "Start a driver on nodes, once", &fleet::DeclareEnable, true,
     "hotplugctl enable alucard --node beta"},
    {"disable", "Stop a driver on nodes, once", &fleet::DeclareDisable, true,
     "hotplugctl disable mpdecision --selector pool=lab"},
    {"switch", "Start and stop drivers on nodes in one transaction each, once",
     &fleet::DeclareSwitch, true,
     "hotplugctl switch alucard thermal --stop mpdecision --selector pool=lab"},
    {"switching", "Allow or forbid every change of drivers on nodes", &fleet::DeclareSwitching,
     true, "hotplugctl switching off --node beta"},
    {"register", "On nodes, take in a driver that drivers.d describes, or that was left out",
     &fleet::DeclareRegister, true, "hotplugctl register cpuplugd --node beta"},
    {"unregister", "Stop a driver on nodes and leave it out", &fleet::DeclareUnregister, true,
     "hotplugctl unregister cpuplugd --node beta"},
    {"version", "Show this program's version", &DeclareVersion, /*needs_client=*/false},
};

constexpr Verb kHostVerbs[] = {
    {"devices", "List this host's devices", &host::DeclareDevices, true,
     "hotplugctl --host devices --kind memory --kind generic"},
    {"cpus", "List CPUs with their place, as lscpu -e does", &host::DeclareCpus, true,
     "hotplugctl --host cpus --offline"},
    {"memory", "List memory blocks, as lsmem does", &host::DeclareMemory, true,
     "hotplugctl --host memory --all"},
    {"get", "Show one device", &host::DeclareGet, true, "hotplugctl --host get memory32"},
    {"explain", "Say why a device is as it is, and what stops a change", &host::DeclareExplain,
     true, "hotplugctl --host explain cpu3"},
    {"watch", "Print changes of devices as they come, until interrupted", &host::DeclareWatch, true,
     "hotplugctl --host watch --kind cpu -o json"},
    {"offline", "Take devices offline", &host::DeclareOffline, true,
     "hotplugctl --host offline --size 4G --node 1 --dry-run"},
    {"online", "Bring devices online", &host::DeclareOnline, true,
     "hotplugctl --host online --range 0x100000000-0x13fffffff --zone movable"},
    {"smt", "Show or set whether cores run several threads", &host::DeclareSmt, true,
     "hotplugctl --host smt off --dry-run"},
    {"drivers", "List this host's hotplug drivers, or what conflicts with them",
     &host::DeclareDrivers, true,
     "hotplugctl --host drivers load\n"
     "hotplugctl --host drivers --conflicts"},
    {"enable", "Start a driver", &host::DeclareEnable, true, "hotplugctl --host enable alucard"},
    {"disable", "Stop a driver", &host::DeclareDisable, true,
     "hotplugctl --host disable mpdecision"},
    {"switch", "Start and stop drivers in one transaction", &host::DeclareSwitch, true,
     "hotplugctl --host switch alucard thermal --stop mpdecision"},
    {"switching", "Allow or forbid every change of drivers", &host::DeclareSwitching, true,
     "hotplugctl --host switching off"},
    {"register", "Take in a driver that drivers.d describes, or that was left out",
     &host::DeclareRegister, true, "hotplugctl --host register cpuplugd"},
    {"unregister", "Stop a driver and leave it out", &host::DeclareUnregister, true,
     "hotplugctl --host unregister cpuplugd"},
    {"version", "Show this program's version", &DeclareVersion, /*needs_client=*/false},
};

constexpr char kFooter[] =
    "The flags above go before or after the verb; `hotplugctl VERB --help` shows a verb's own.\n"
    "Data goes to standard output, everything else to standard error.\n"
    "Exit status:\n"
    "   0  done\n"
    "   1  refused, failed or interrupted, or a wait that ended without success\n"
    "   2  a wrong flag, argument or input file\n"
    "  64  some items of a list were done, others not\n"
    "  69  the controller or the agent can't be reached, or the connection to it broke";

// What the flags of a scope say.
struct Flags {
  bool host_scope = false;
  FleetTarget fleet;
  HostTarget host;
  std::string format = "table";
};

OutputFormat FormatOf(const Flags& flags) {
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
    app_.footer(kFooter);
    app_.add_flag("--host", flags_.host_scope, "act on this host through its agent");
    host_scope ? DeclareHostFlags() : DeclareFleetFlags();
    app_.add_option("-o,--output", flags_.format, "how to print data")
        ->check(CLI::IsMember(std::vector<std::string>{"table", "json", "yaml"}))
        ->capture_default_str()
        ->type_name("FORMAT");
    if (host_scope) {
      for (const Verb& verb : kHostVerbs) Declare(verb);
    } else {
      for (const Verb& verb : kFleetVerbs) Declare(verb);
    }
  }
  CommandLine(const CommandLine&) = delete;
  CommandLine& operator=(const CommandLine&) = delete;

  // The exit status where parsing is all there is to do (--help, a mistake).
  std::optional<ExitCode> Parse(std::vector<std::string> arguments, std::ostream& out,
                                std::ostream& err) {
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

  const Flags& flags() const { return flags_; }

  // Of the verb that was parsed.
  const Verb& verb() const { return *Chosen().verb; }
  const Action& action() const { return Chosen().action; }

 private:
  struct Declared {
    const Verb* verb;
    CLI::App* app;
    Action action;
  };

  void DeclareFleetFlags() {
    flags_.fleet.controller = "127.0.0.1:7443";
    flags_.fleet.call_timeout = absl::Seconds(10);
    app_.add_option("--controller", flags_.fleet.controller, "the controller's address")
        ->envname("HOTPLUGGER_CONTROLLER")
        ->capture_default_str()
        ->type_name("HOST:PORT");
    app_.add_flag("--insecure", flags_.fleet.insecure,
                  "allow plaintext to other than loopback addresses");
    ParserArguments(&app_).DurationOption(
        "--timeout",
        "the longest that one call may take; one that asks nodes about drivers ends where no node "
        "has answered for its --deadline and this on top",
        &flags_.fleet.call_timeout);
  }

  void DeclareHostFlags() {
    flags_.host.socket = "/run/hotplugger/agent.sock";
    // Longer than a fleet's: the agent answers when the driver has, and one by one.
    flags_.host.call_timeout = absl::Seconds(60);
    app_.add_option("--socket", flags_.host.socket, "the agent's unix socket")
        ->capture_default_str()
        ->type_name("PATH");
    ParserArguments(&app_).DurationOption("--timeout",
                                          "the longest that one call may take; a change has an "
                                          "hour for its turn and what it takes itself (devices: "
                                          "--deadline each, drivers: 1m), a watch has no limit",
                                          &flags_.host.call_timeout);
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
  Flags flags_;
  std::vector<Declared> declared_;
};

// The clients of the scope that a verb runs in.
struct Clients {
  std::unique_ptr<FleetClient> fleet;
  std::unique_ptr<HostClient> host;
};

absl::StatusOr<Clients> Connect(const CommandLine& command_line, Connector& connector) {
  Clients clients;
  if (!command_line.verb().needs_client) return clients;
  const Flags& flags = command_line.flags();
  if (flags.host_scope) {
    ASSIGN_OR_RETURN(clients.host, connector.ConnectHost(flags.host));
  } else {
    ASSIGN_OR_RETURN(clients.fleet, connector.ConnectFleet(flags.fleet));
  }
  return clients;
}

}  // namespace

ExitCode RunCommandLine(const std::vector<std::string>& arguments, Environment& environment) {
  CommandLine command_line(HasHostFlag(arguments));
  if (const auto exit_code = command_line.Parse(arguments, environment.out, environment.err)) {
    return *exit_code;
  }
  const absl::StatusOr<Clients> clients = Connect(command_line, environment.connector);
  if (!clients.ok()) {
    // Nothing was called yet: it is the flags that are wrong.
    PrintError(clients.status(), environment.err);
    return ExitCode::kUsage;
  }
  Session session{clients->fleet.get(), clients->host.get(), FormatOf(command_line.flags()),
                  environment.clock,    environment.pause,   environment.in,
                  environment.out,      environment.err,     environment.catch_interrupt};
  const absl::StatusOr<ExitCode> exit_code = command_line.action()(session);
  if (exit_code.ok()) return *exit_code;
  PrintError(exit_code.status(), environment.err);
  return ExitCodeFor(exit_code.status());
}

}  // namespace hotplugger::client
