#!/usr/bin/env python3
"""Holds the direction of dependencies between the folders (docs/architecture.md).

Usage: layering_test.py SOURCE_DIR [--self-check]
Exits 1 and lists every include that breaks a rule, or when there is nothing to look at. With
--self-check it first plants one violation of each rule in a tree of its own, and fails unless each
is caught there.
"""
import argparse
import pathlib
import re
import sys
import tempfile

PROGRAMS = ("agent", "server", "client")
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(?:"([^"]+)"|<([^>]+)>)', re.MULTILINE)
SUFFIXES = {".h", ".cc", ".cpp", ".hpp", ".inc"}
RULE_FOLDERS = ("agent/counters/", "agent/devices/", "agent/drivers/", "agent/reconcile/",
                "server/policy/", "server/audit/", "server/store/", "server/fleet/",
                "server/rollout/")


# Inside the agent: each folder may include those after it, never those before.
AGENT_LAYERS = ("agent/reconcile/", "agent/drivers/", "agent/devices/operations/",
                "agent/devices/rules/", "agent/devices/inventory/", "agent/counters/")
# The readers of the host, which only the edges call: rules are functions of what they have read.
READERS = ("agent/devices/inventory/file_tree.h", "agent/devices/inventory/device_reader.h")


def breaks_agent_layers(path, include):
    """Whether a room of the agent includes one that is built upon it."""
    for above, folder in enumerate(AGENT_LAYERS):
        if path.startswith(folder):
            return include.startswith(AGENT_LAYERS[:above])
    return False


def is_grpc(include):
    return include.startswith(("grpcpp/", "grpc++/", "grpc/")) or include.endswith(".grpc.pb.h")


def under(path, *folders):
    """Whether one of the path's folders has one of these names."""
    return any(folder in path.split("/")[:-1] for folder in folders)


def broken_rule(path, include):
    """The rule that `path` breaks by including `include`, or None."""
    program = path.split("/")[0]
    if is_grpc(include) and not (under(path, "api", "link") or path.startswith("common/transport/")):
        return "only api/, link/ and common/transport/ include gRPC"
    if include.startswith("prometheus/") and not under(path, "metrics"):
        return "only metrics/ includes prometheus"
    if program == "common":
        if include.startswith(tuple(f"{other}/" for other in PROGRAMS) + ("hotplugger/v1/",)):
            return "common includes neither the programs nor their messages"
        if include.startswith("common/transport/") and not path.startswith("common/transport/"):
            return "common outside transport/ doesn't include common/transport/"
    if program in PROGRAMS:
        others = tuple(f"{other}/" for other in PROGRAMS if other != program)
        if include.startswith(others):
            return f"{program} doesn't include the other programs"
    if path.startswith(RULE_FOLDERS) and under(include, "api", "link", "metrics"):
        if include.startswith(f"{program}/"):
            return "the folders that hold the rules don't include api/, link/ or metrics/"
    if breaks_agent_layers(path, include):
        return ("reconcile > drivers > devices/operations > devices/rules > devices/inventory > "
                "counters")
    if path.startswith("agent/devices/rules/") and include in READERS:
        return "the rules read nothing: they are functions of a snapshot"
    if program in PROGRAMS + ("common",) and include.startswith("tests/"):
        return "no program includes tests"
    return None


def sources(root):
    for folder in PROGRAMS + ("common",):
        for path in sorted((root / folder).rglob("*")):
            if path.suffix in SUFFIXES and path.is_file():
                yield path


def check(root):
    """All violations below `root`, and the number of files looked at by top folder."""
    violations = []
    counts = dict.fromkeys(PROGRAMS + ("common",), 0)
    for file in sources(root):
        path = file.relative_to(root).as_posix()
        counts[path.split("/")[0]] += 1
        text = file.read_text(encoding="utf-8")
        for match in INCLUDE.finditer(text):
            include = match.group(1) or match.group(2)
            rule = broken_rule(path, include)
            if rule is not None:
                line = text.count("\n", 0, match.start()) + 1
                violations.append(f"{path}:{line}: includes {include}; {rule}")
    return violations, counts


# File, what it includes, whether that breaks a rule.
PLANTED = (
    ("agent/devices/a.cc", "<grpcpp/grpcpp.h>", True),
    ("agent/main.cc", "<grpc/grpc.h>", True),
    ("server/store/a.h", '"hotplugger/v1/host_service.grpc.pb.h"', True),
    ("common/a.cc", "<grpcpp/support/status.h>", True),
    ("agent/api/a.cc", "<grpcpp/grpcpp.h>", False),
    ("server/api/deep/a.cc", "<grpcpp/grpcpp.h>", False),
    ("agent/link/a.cc", '"hotplugger/v1/link_service.grpc.pb.h"', False),
    ("common/transport/a.cc", "<grpcpp/grpcpp.h>", False),
    ("common/api.cc", "<grpcpp/grpcpp.h>", True),
    ("server/fleet/b.cc", "<prometheus/registry.h>", True),
    ("server/metrics/a.cc", "<prometheus/registry.h>", False),
    ("common/b.cc", '"hotplugger/v1/node.pb.h"', True),
    ("common/c.cc", '"agent/devices/inventory/file_tree.h"', True),
    ("common/d.cc", '"common/transport/grpc_status.h"', True),
    ("common/e.cc", '"common/names.h"', False),
    ("agent/drivers/a.cc", '"server/store/store.h"', True),
    ("server/policy/a.cc", '"agent/devices/inventory/cpu.h"', True),
    ("client/a.cc", '"server/policy/validator.h"', True),
    ("client/b.cc", '"common/names.h"', False),
    ("agent/reconcile/a.cc", '"agent/link/stream.h"', True),
    ("server/fleet/c.cc", '"server/metrics/exporter.h"', True),
    ("agent/drivers/b.cc", '"agent/devices/inventory/file_tree.h"', False),
    ("agent/devices/inventory/a.cc", '"agent/devices/rules/causes.h"', True),
    ("agent/devices/rules/a.cc", '"agent/devices/operations/journal.h"', True),
    ("agent/devices/rules/b.cc", '"agent/devices/inventory/device_reader.h"', True),
    ("agent/devices/rules/c.cc", '"agent/devices/inventory/snapshot.h"', False),
    ("agent/devices/operations/a.cc", '"agent/reconcile/host.h"', True),
    ("agent/devices/operations/b.cc", '"agent/devices/rules/causes.h"', False),
    ("agent/drivers/c.cc", '"tests/fakes/fake_driver.h"', True),
    ("agent/counters/a.cc", '"agent/devices/rules/causes.h"', True),
    ("agent/counters/b.cc", "<prometheus/registry.h>", True),
    ("agent/counters/c.cc", "<grpcpp/grpcpp.h>", True),
    ("agent/counters/d.cc", '"agent/metrics/agent_collector.h"', True),
    ("agent/devices/inventory/b.cc", '"agent/counters/agent_counters.h"', False),
    ("agent/reconcile/b.cc", '"agent/counters/agent_counters.h"', False),
    ("agent/reconcile/c.cc", '"agent/metrics/agent_collector.h"', True),
    ("agent/metrics/a.cc", "<prometheus/registry.h>", False),
    ("agent/metrics/b.cc", '"agent/reconcile/observed_link.h"', False),
    ("agent/options.cc", "<prometheus/registry.h>", True),
)


def self_check():
    """Plants every row of PLANTED; returns what was judged wrongly."""
    problems = []
    with tempfile.TemporaryDirectory() as directory:
        root = pathlib.Path(directory)
        if any(check(root)[1].values()):
            problems.append("found files where there are none")
        for path, include, _ in PLANTED:
            file = root / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(f"// A comment\n  #  include {include}\n", encoding="utf-8")
        violations, _ = check(root)
        for path, include, breaks in PLANTED:
            caught = any(violation.startswith(f"{path}:2:") for violation in violations)
            if caught != breaks:
                problems.append(f"{path} with {include}: {'not ' if breaks else ''}taken for wrong")
    return problems


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("source_dir", type=pathlib.Path)
    parser.add_argument("--self-check", action="store_true")
    arguments = parser.parse_args()
    problems = self_check() if arguments.self_check else []
    violations, counts = check(arguments.source_dir)
    problems += [f"no source files below {arguments.source_dir / folder}"
                 for folder, count in counts.items() if count == 0]
    problems += violations
    for problem in problems:
        print(problem)
    print(f"{sum(counts.values())} files, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
