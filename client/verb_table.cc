#include "client/verb_table.h"

#include "client/commands/completion.h"
#include "client/commands/config.h"
#include "client/commands/fleet/verbs.h"
#include "client/commands/host/verbs.h"
#include "client/commands/man.h"
#include "client/commands/version.h"

namespace hotplugger::client {
namespace {

constexpr Verb kFleetVerbs[] = {
    {"apply", "Create or replace policies from files", &fleet::DeclareApply, true,
     "hotplugctl apply -f examples/quarantine-core.yaml --dry-run=server\n"
     "hotplugctl apply -f examples/quarantine-core.yaml --reason 'bad cache' --ticket OPS-4711"},
    {"diff", "Compare policies with files, or two revisions of one", &fleet::DeclareDiff, true,
     "hotplugctl diff -f examples/quarantine-core.yaml\n"
     "hotplugctl diff policy quarantine-core --from 3 --to 5"},
    {"plan", "Ask the nodes what a change would do, device by device, without making it",
     &fleet::DeclarePlan, true,
     "hotplugctl plan -f examples/quarantine-core.yaml\n"
     "hotplugctl plan delete policy quarantine-core --deadline 1m --parallel 50\n"
     "hotplugctl plan offline gamma cpu3\n"
     "hotplugctl plan quarantine gamma core/0-0-3 -o json\n"
     "hotplugctl plan release gamma cpu3"},
    {"get", "List nodes, policies or holds, or show one", &fleet::DeclareGet, true,
     "hotplugctl get nodes --policy quarantine-core\n"
     "hotplugctl get nodes -l 'zone in (a,b),!legacy' --out-of-sync\n"
     "hotplugctl get nodes --state FAILED --connected\n"
     "hotplugctl get nodes --watch -o json\n"
     "hotplugctl get policies 'park-*' --node gamma\n"
     "hotplugctl get policy quarantine-core --revision 3 -o yaml\n"
     "hotplugctl get holds --node 'web-*' --expires-within 1h\n"
     "hotplugctl get holds --node gamma -o wide --no-headers",
     /*lists=*/true},
    {"describe", "Show everything about one node", &fleet::DeclareDescribe, true,
     "hotplugctl describe node gamma"},
    {"explain", "Say why a device or driver of a node is to be as it is, and by whose word",
     &fleet::DeclareExplain, true,
     "hotplugctl explain gamma cpu3\n"
     "hotplugctl explain beta driver/bricked -o yaml"},
    {"audit", "List who asked for which change, and what came of it", &fleet::DeclareAudit, true,
     "hotplugctl audit --since 2h --failed\n"
     "hotplugctl audit --resource policies/quarantine-core --limit 20 -o wide\n"
     "hotplugctl audit --watch -o json",
     /*lists=*/true},
    {"events", "List what happened in the fleet, and print it as it happens", &fleet::DeclareEvents,
     true,
     "hotplugctl events --since 1h\n"
     "hotplugctl events gamma policies/quarantine-core --watch\n"
     "hotplugctl events --warnings -o wide",
     /*lists=*/true},
    {"history", "List the revisions of a policy and what each changed", &fleet::DeclareHistory,
     true, "hotplugctl history policy quarantine-core"},
    {"rollback", "Give a policy the content of an earlier revision", &fleet::DeclareRollback, true,
     "hotplugctl rollback policy quarantine-core --dry-run\n"
     "hotplugctl rollback policy quarantine-core --revision 3 --reason 'too much at once'"},
    {"delete", "Delete a policy, or forget a node that is not connected", &fleet::DeclareDelete,
     true,
     "hotplugctl delete policy quarantine-core --dry-run=server\n"
     "hotplugctl delete node gamma --reason 'scrapped' --ticket OPS-4713"},
    {"offline", "Hold a device of a node offline, or a driver stopped", &fleet::DeclareOffline,
     true,
     "hotplugctl offline gamma cpu3 --reason 'machine checks' --ticket OPS-4711 --for 2h\n"
     "hotplugctl offline gamma driver/mpdecision"},
    {"online", "Hold a device of a node online, or a driver running", &fleet::DeclareOnline, true,
     "hotplugctl online gamma memory32\n"
     "hotplugctl online beta driver/bricked"},
    {"quarantine", "Hold the whole core of a CPU offline, wherever its CPUs' numbers go",
     &fleet::DeclareQuarantine, true,
     "hotplugctl quarantine gamma cpu3 --reason 'machine checks' --ticket OPS-4711\n"
     "hotplugctl quarantine gamma core/0-0-3 --until 2026-12-01T08:00:00Z"},
    {"release", "End a hold: the policies decide again", &fleet::DeclareRelease, true,
     "hotplugctl release gamma cpu3\n"
     "hotplugctl release gamma core/0-0-3 --ticket OPS-4712\n"
     "hotplugctl release beta driver/bricked"},
    {"retry", "Let nodes try once more a spec that they had given up", &fleet::DeclareRetry, true,
     "hotplugctl retry gamma\n"
     "hotplugctl retry --selector pool=lab --reason 'firmware updated'"},
    {"wait", "Wait until nodes, a policy or a hold are as wanted", &fleet::DeclareWait, true,
     "hotplugctl wait policy quarantine-core --timeout 5m\n"
     "hotplugctl wait nodes alpha beta --for=connected\n"
     "hotplugctl wait hold gamma cpu3 --for=expired --timeout 1h"},
    {"drivers", "List the hotplug drivers of nodes, or what conflicts with them",
     &fleet::DeclareDrivers, true,
     "hotplugctl drivers --selector 'pool in (lab,test)'\n"
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
    {"config", "List, choose and change the contexts that say whom to call", &DeclareConfig,
     /*needs_client=*/false,
     "hotplugctl config set-context lab --controller 10.0.0.1:7443 --insecure\n"
     "hotplugctl config use-context lab\n"
     "hotplugctl config get-contexts",
     /*lists=*/true},
    {"completion", "Print a script that makes a shell complete command lines", &DeclareCompletion,
     /*needs_client=*/false, "hotplugctl completion bash"},
    {"man", "Print a manual page, or write all of them", &DeclareMan, /*needs_client=*/false,
     "hotplugctl man\n"
     "hotplugctl man apply"},
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
    {"man", "Print a manual page", &DeclareMan, /*needs_client=*/false,
     "hotplugctl --host man offline"},
    {"version", "Show this program's version", &DeclareVersion, /*needs_client=*/false},
};

}  // namespace

absl::Span<const Verb> FleetVerbs() { return kFleetVerbs; }
absl::Span<const Verb> HostVerbs() { return kHostVerbs; }

}  // namespace hotplugger::client
