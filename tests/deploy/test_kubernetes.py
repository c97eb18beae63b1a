#!/usr/bin/env python3
"""deploy/kubernetes keeps the rules of hotplugger_deploy/rules.py, is as docs/deployment.md says, and
suits the programs.

`make conformance` checks it with kustomize and Kubernetes's own schemas besides.
"""

import copy
import os
import re
import subprocess
import sys
import tempfile
import unittest
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

from hotplugger_deploy import KUBERNETES, SOURCE, kustomize, rules  # noqa: E402

BIN = Path(os.environ.get("HOTPLUGGER_BUILD_DIR", SOURCE / "build/dev")) / "bin"
OVERLAY = KUBERNETES / "overlays/podmonitor"
COMPONENTS = sorted(path.name for path in (KUBERNETES / "components").iterdir())
PAGE = SOURCE / "docs/deployment.md"

Objects = list[dict[str, Any]]


def with_components(*names: str) -> Objects:
    """The base with these components, as somebody's own overlay has them."""
    with tempfile.TemporaryDirectory() as folder:
        def there(path: str) -> str:
            return os.path.relpath(KUBERNETES / path, folder)

        lines = ["resources:", f"  - {there('base')}", "components:"]
        lines += [f"  - {there(f'components/{name}')}" for name in names]
        Path(folder, "kustomization.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")
        return kustomize.render(Path(folder))


def layouts() -> dict[str, Objects]:
    found = {"base": kustomize.render(KUBERNETES / "base"), "podmonitor": kustomize.render(OVERLAY)}
    found |= {name: with_components(name) for name in COMPONENTS}
    found["all components"] = with_components(*COMPONENTS)
    return found


def container(objects: Objects, name: str) -> dict[str, Any]:
    [found] = [item for found, _, item in rules.containers(objects) if found == name]
    return found


def policy(objects: Objects, name: str) -> dict[str, Any]:
    return kustomize.find(objects, "NetworkPolicy", name)["spec"]


# What each rule is to catch: at least one change that breaks it.
BREAKAGES: list[tuple[rules.Rule, Callable[[Objects], Any]]] = [
    (rules.no_rights_beyond_need,
     lambda o: container(o, "agent")["securityContext"].update(privileged=True)),
    (rules.no_rights_beyond_need,
     lambda o: container(o, "agent")["securityContext"]["capabilities"].update(add=["SYS_ADMIN"])),
    (rules.no_rights_beyond_need, lambda o: rules.agent_pod(o).update(hostPID=True)),
    (rules.no_rights_beyond_need,
     lambda o: rules.agent_pod(o).pop("automountServiceAccountToken")),
    (rules.no_rights_beyond_need,
     lambda o: container(o, "controller")["securityContext"].update(runAsNonRoot=False)),
    (rules.no_rights_at_the_api_server,
     lambda o: o.append({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
                         "metadata": {"name": "hotplugger-agent", "namespace": "hotplugger"}})),
    (rules.only_the_agent_mounts_the_node,
     lambda o: kustomize.find(o, "StatefulSet", "hotplugger-controller")["spec"]["template"]["spec"]
     .update(volumes=[{"name": "sys", "hostPath": {"path": "/sys"}}])),
    (rules.mounts_are_folders,
     lambda o: rules.agent_pod(o)["volumes"][0]["hostPath"].update(type="File")),
    (rules.volumes_and_mounts_match,
     lambda o: container(o, "agent")["volumeMounts"].pop()),
    (rules.volumes_and_mounts_match, lambda o: rules.agent_pod(o)["volumes"].pop()),
    (rules.probes_ask_for_health, lambda o: container(o, "controller").pop("livenessProbe")),
    (rules.probes_ask_for_health,
     lambda o: container(o, "agent")["livenessProbe"]["grpc"].update(port=9416)),
    (rules.ports_are_those_of_the_arguments, lambda o: container(o, "agent")["ports"].pop()),
    (rules.ports_are_those_of_the_arguments,
     lambda o: container(o, "controller")["args"].append("--health-listen=127.0.0.1:7444")),
    (rules.who_is_scraped_is_named,
     lambda o: container(o, "agent")["args"].remove("--metrics-address=$(POD_IP):9416")),
    (rules.resources_are_set, lambda o: container(o, "agent")["resources"].pop("limits")),
    (rules.resources_are_set, lambda o: container(o, "agent")["resources"]["limits"].update(cpu=1)),
    (rules.images_have_a_version, lambda o: container(o, "agent").update(image="a/b:latest")),
    (rules.images_have_a_version, lambda o: container(o, "agent").update(image="hotplugger-agent")),
    (rules.names_lead_somewhere,
     lambda o: o.remove(next(item for item in o if item["kind"] == "ConfigMap"))),
    (rules.names_lead_somewhere,
     lambda o: kustomize.find(o, "Service", "hotplugger-controller")["spec"]["ports"][0].update(
         targetPort="http")),
    (rules.names_lead_somewhere,
     lambda o: policy(o, "hotplugger-agent")["podSelector"]["matchLabels"].update(a="b")),
    (rules.everything_is_in_the_namespace, lambda o: o[1]["metadata"].pop("namespace")),
    (rules.agents_stay_on_their_nodes, lambda o: rules.agent_pod(o).pop("tolerations")),
    (rules.agents_stay_on_their_nodes,
     lambda o: kustomize.find(o, "DaemonSet", "hotplugger-agent")["spec"].pop("updateStrategy")),
    (rules.one_controller,
     lambda o: kustomize.find(o, "StatefulSet", "hotplugger-controller")["spec"].update(replicas=2)),
    (rules.both_programs_are_closed_off,
     lambda o: o.remove(kustomize.find(o, "NetworkPolicy", "hotplugger-controller"))),
    (rules.both_programs_are_closed_off,
     lambda o: policy(o, "hotplugger-controller")["ingress"].append({"ports": [{"port": 7443}]})),
]


class RulesTest(unittest.TestCase):
    def test_every_layout_keeps_every_rule(self) -> None:
        for name, objects in layouts().items():
            for rule in rules.RULES:
                with self.subTest(layout=name, rule=rule.__name__):
                    self.assertEqual(rule(objects), [])

    def test_every_rule_catches_what_it_is_for(self) -> None:
        self.assertEqual({rule for rule, _ in BREAKAGES}, set(rules.RULES))
        whole = kustomize.render(OVERLAY)
        for number, (rule, breakage) in enumerate(BREAKAGES):
            broken = copy.deepcopy(whole)
            breakage(broken)
            with self.subTest(rule=rule.__name__, number=number):
                self.assertNotEqual(rule(broken), [])

    def test_what_the_renderer_does_not_know_it_refuses(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "kustomization.yaml").write_text("namePrefix: a-\n", encoding="utf-8")
            with self.assertRaises(kustomize.NotUnderstood):
                kustomize.render(Path(folder))


class DocumentedTest(unittest.TestCase):
    """The table of mounts in docs/deployment.md: a row each, with who may write and which component."""

    ROW = re.compile(r"^\| `(/\S+)` \| (read|write) \| (base|`[a-z-]+`) \|", re.MULTILINE)

    def rows(self) -> set[tuple[str, bool, str]]:
        return {(path, access == "write", where.strip("`"))
                for path, access, where in self.ROW.findall(PAGE.read_text(encoding="utf-8"))}

    def test_the_node_is_mounted_as_the_page_says(self) -> None:
        base = rules.host_paths(rules.agent_pod(kustomize.render(KUBERNETES / "base")))
        mounted = {(path, writable, "base") for path, writable in base.items()}
        for name in COMPONENTS:
            more = rules.host_paths(rules.agent_pod(with_components(name)))
            mounted |= {(path, more[path], name) for path in set(more) - set(base)}
        self.assertEqual(self.rows(), mounted)

    def test_the_page_tells_of_each_component(self) -> None:
        page = PAGE.read_text(encoding="utf-8")
        for name in COMPONENTS:
            self.assertIn(f"`{name}`", page)


class ProgramsTest(unittest.TestCase):
    """What the objects say to the programs is what these understand."""

    def setUp(self) -> None:
        self.objects = kustomize.render(KUBERNETES / "base")

    def run_program(self, *command: str) -> tuple[int, str]:
        done = subprocess.run([str(BIN / command[0]), *command[1:]], capture_output=True, text=True,
                              timeout=30, check=False)
        return done.returncode, done.stdout + done.stderr

    def test_the_arguments_are_options(self) -> None:
        for name in ("agent", "controller"):
            status, text = self.run_program(f"hotplugger-{name}", "--help")
            self.assertEqual(status, 0, text)
            known = set(re.findall(r"(?<!\S)--[a-z-]+", text))
            for argument in container(self.objects, name)["args"]:
                self.assertIn(argument.partition("=")[0], known, name)

    def test_the_mounts_are_where_the_agent_looks(self) -> None:
        _, text = self.run_program("hotplugger-agent", "--help")
        mounted = {mount["mountPath"] for mount in container(self.objects, "agent")["volumeMounts"]}
        for folder, default in (("/var/lib/hotplugger", "/var/lib/hotplugger"),
                                ("/run/hotplugger", "/run/hotplugger/agent.sock"),
                                ("/etc/hotplugger", "/etc/hotplugger/agent.yaml")):
            self.assertIn(default, text)
            self.assertIn(folder, mounted)

    def agent_with_config(self, path: Path) -> str:
        """What the agent says with that config and a state folder that can't be: it comes after."""
        with tempfile.TemporaryDirectory() as root:
            status, text = self.run_program("hotplugger-agent", "--node", "test", "--config", str(path),
                                            "--sysroot", root, "--state-dir", "/dev/null/state")
            self.assertEqual(status, 1, text)
            return text

    def test_the_agent_takes_its_config(self) -> None:
        config = KUBERNETES / "base/agent.yaml"
        self.assertIn("/dev/null/state", self.agent_with_config(config))
        with tempfile.TemporaryDirectory() as folder:
            bad = Path(folder, "agent.yaml")
            bad.write_text(config.read_text(encoding="utf-8") + "nothing: known\n", encoding="utf-8")
            self.assertIn("nothing", self.agent_with_config(bad))

    def test_a_monitor_for_each_program_that_has_metrics(self) -> None:
        objects = kustomize.render(OVERLAY)
        monitored = {item["spec"]["selector"]["matchLabels"]["app.kubernetes.io/name"]
                     for item in objects if item["kind"] == "PodMonitor"}
        self.assertEqual(monitored, {"hotplugger-agent", "hotplugger-controller"})
        for name in monitored:
            [ports] = [rule["ports"] for rule in policy(objects, f"{name}-metrics")["ingress"]]
            [metrics] = [port["containerPort"]
                         for port in container(objects, name.removeprefix("hotplugger-"))["ports"]
                         if port["name"] == "metrics"]
            self.assertEqual(ports, [{"protocol": "TCP", "port": metrics}])


if __name__ == "__main__":
    unittest.main()
