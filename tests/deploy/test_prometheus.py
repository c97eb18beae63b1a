#!/usr/bin/env python3
"""deploy/prometheus: Prometheus takes it, each alert fires when it should, and each has its runbook."""

import functools
import re
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

import yaml  # noqa: E402

from hotplugger_deploy import SOURCE, metrics_doc, prometheus, promql  # noqa: E402

RUNBOOKS = SOURCE / "docs/runbooks.md"
COMMAND_LINE = SOURCE / "docs/hotplugctl.md"


class PromtoolTest(unittest.TestCase):
    def assert_fine(self, *words: str | Path) -> None:
        status, text = prometheus.promtool(*words)
        self.assertEqual(status, 0, text)
        self.assertNotIn("FAILED", text)

    def test_config(self) -> None:
        self.assert_fine("check", "config", prometheus.CONFIG)

    def test_rules(self) -> None:
        self.assert_fine("check", "rules", "--lint=all", "--lint-fatal", *prometheus.RULES)

    def test_alerts_fire_and_records_hold_what_they_should(self) -> None:
        self.assert_fine("test", "rules", *prometheus.TESTS)

    def test_promtool_would_say_what_is_wrong(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            wrong = Path(folder) / "rules.yml"
            for expression in ("rate(up)", "sum by job (up)", "up{job=}"):
                rule = {"record": "job:up:wrong", "expr": expression}
                wrong.write_text(yaml.safe_dump({"groups": [{"name": "g", "rules": [rule]}]}),
                                 encoding="utf-8")
                self.assertNotEqual(prometheus.promtool("check", "rules", wrong)[0], 0, expression)
            text = prometheus.TESTS[0].read_text(encoding="utf-8").replace("../", f"{prometheus.FOLDER}/")
            test = Path(folder) / "test.yml"
            test.write_text(re.sub(r"severity: \w+", "severity: other", text), encoding="utf-8")
            self.assertNotEqual(prometheus.promtool("test", "rules", test)[0], 0)


class UnpackTest(unittest.TestCase):
    """scripts/unpack-package, by which promtool comes."""

    def unpack(self, name: str, folder: Path) -> tuple[int, str]:
        done = subprocess.run([str(SOURCE / "scripts/unpack-package"), name, str(folder)],
                              capture_output=True, text=True, timeout=100, check=False)
        return done.returncode, done.stderr

    def test_what_is_there_is_left_alone(self) -> None:
        program = prometheus.program("promtool")
        before = program.stat()
        self.assertEqual(self.unpack("prometheus", program.parents[2]), (0, ""))
        self.assertEqual(program.stat().st_ino, before.st_ino)

    def test_what_cannot_be_had_is_an_error_that_says_what_to_do(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            status, text = self.unpack("hotplugger-is-no-debian-package", Path(folder) / "made")
            self.assertEqual(status, 1)
            self.assertIn("apt-get update", text)
            self.assertFalse((Path(folder) / "made").exists())


class ControllerTest(unittest.TestCase):
    """What the real program answers; agents are asked in the lab (test_metrics_lab.py)."""

    def test_promtool_finds_nothing_to_say_of_its_metrics(self) -> None:
        text = self.metrics()
        self.assertIn("hotplugger_nodes{", text)
        self.assertEqual(prometheus.promtool("check", "metrics", stdin=text), (0, ""))

    def test_promtool_would_say_what_is_wrong(self) -> None:
        wrong = "# HELP a_seconds_count x\n# TYPE a_seconds_count counter\na_seconds_count 1\n"
        self.assertNotEqual(prometheus.promtool("check", "metrics", stdin=wrong)[0], 0)

    def metrics(self) -> str:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        ports = Path(folder.name) / "ports"
        controller = subprocess.Popen(
            [str(prometheus.build_dir() / "bin/hotplugger-controller"), "--listen=127.0.0.1:0",
             "--metrics-listen=127.0.0.1:0", f"--store=sqlite:{folder.name}/controller.db",
             f"--port-file={ports}"], stderr=subprocess.DEVNULL)
        self.addCleanup(controller.wait, 60)
        self.addCleanup(controller.kill)
        deadline = time.monotonic() + 60
        while not ports.exists():
            self.assertIsNone(controller.poll(), "the controller ended")
            self.assertLess(time.monotonic(), deadline, "the controller doesn't serve")
            time.sleep(0.02)
        port = dict(line.split("=") for line in ports.read_text(encoding="utf-8").split())["metrics"]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=60) as answer:
            return answer.read().decode()


class CoverageTest(unittest.TestCase):
    """Nothing is without a test of its own."""

    def cases(self) -> list[dict[str, Any]]:
        return [case for file in prometheus.TESTS for case in prometheus.read(file)["tests"]]

    def test_each_alert_has_a_case_where_it_fires_and_one_where_it_does_not(self) -> None:
        fires, quiet = set(), set()
        for case in self.cases():
            checks = case.get("alert_rule_test", [])
            told = [check for check in checks if check["exp_alerts"]]
            fires |= {check["alertname"] for check in told}
            # Not merely too early: nothing of the whole case makes it fire.
            quiet |= {check["alertname"] for check in checks} if not told else set()
        self.assertEqual(fires, set(prometheus.alerts()))
        self.assertEqual(quiet, set(prometheus.alerts()))

    def test_each_record_has_an_expression_test(self) -> None:
        tested = {selector.name for case in self.cases() for check in case.get("promql_expr_test", [])
                  if check["exp_samples"] for selector in promql.read(check["expr"]).selectors}
        self.assertEqual(tested, set(prometheus.records()))


class FormTest(unittest.TestCase):
    def test_alerts(self) -> None:
        for name, rule in prometheus.alerts().items():
            with self.subTest(alert=name):
                self.assertRegex(name, r"^Hotplugger([A-Z][a-z]+)+$")
                self.assertRegex(rule["for"], r"^\d+[smhd]$")
                self.assertIn(rule["labels"]["severity"], ("critical", "warning", "info"))
                self.assertEqual(set(rule["annotations"]), {"summary", "description", "runbook_url"})
                self.assertTrue(rule["annotations"]["runbook_url"].endswith(
                    f"/docs/runbooks.md#{name.lower()}"))

    def test_names_of_records_say_what_is_left(self) -> None:
        """level:metric:operations, and the level is the labels that are summed up by."""
        for name, text in prometheus.records().items():
            with self.subTest(record=name):
                self.assertRegex(name, r"^[a-z_]+:[a-z_]+:[a-z0-9_]+$")
                labels = promql.read(text).grouped_by - {"le"}
                self.assertEqual(set(name.partition(":")[0].split("_")), labels)

    def test_the_config_finds_controller_and_agents(self) -> None:
        jobs = {job["job_name"]: job for job in prometheus.read(prometheus.CONFIG)["scrape_configs"]}
        self.assertEqual(set(jobs), {"hotplugger-controller", "hotplugger-agent"})
        [target] = jobs["hotplugger-controller"]["static_configs"][0]["targets"]
        [discovery] = jobs["hotplugger-agent"]["http_sd_configs"]
        self.assertEqual(discovery["url"], f"http://{target}/sd")
        for job in jobs.values():
            self.assertIn("scrape_timeout", job)


class MetricsTest(unittest.TestCase):
    """Rules ask for what docs/metrics.md lists."""

    known = metrics_doc.add_records(metrics_doc.read(), prometheus.records().items())

    def test_rules(self) -> None:
        for rule in prometheus.rules():
            with self.subTest(rule=rule.get("alert") or rule["record"]):
                self.assertEqual(metrics_doc.problems(rule["expr"], self.known), [])

    def test_what_other_programs_export_too_is_asked_for_by_job(self) -> None:
        for rule in prometheus.rules():
            with self.subTest(rule=rule.get("alert") or rule["record"]):
                self.assertEqual(promql.without_job(rule["expr"]), [])
        for wrong in ("up == 0", 'rate(grpc_server_handled_total{grpc_type="unary"}[5m])',
                      'process_open_fds{job="a"}', 'up{job=~".*hotplugger-agent"}'):
            self.assertEqual(len(promql.without_job(wrong)), 1, wrong)

    def test_the_page_is_read(self) -> None:
        self.assertGreater(len(self.known), 80)
        operations = self.known["hotplugger_agent_operations_total"]
        self.assertLessEqual({"kind", "action", "outcome", "reason", "node"}, operations.labels)
        self.assertEqual(self.known["hotplugger_nodes"].values["state"],
                         {"in_sync", "out_of_sync", "disconnected"})
        self.assertIn("le", self.known["hotplugger_spec_push_duration_seconds_bucket"].labels)

    def test_what_nobody_exports_would_be_told(self) -> None:
        for wrong in ("hotplugger_nodez", 'hotplugger_nodes{state="gone"}', 'hotplugger_nodes{zone="a"}',
                      "sum by (cpu) (hotplugger_nodes)", "hotplugger_spec_push_duration_seconds",
                      "hotplugger_nodes / on (cpu) hotplugger_cpus",
                      'hotplugger_nodes{state=~"in_sync|gone"}',
                      'node:hotplugger_connected:min{job="a"}', "hotplugger_nodes and nothing_like_it > 1"):
            self.assertNotEqual(metrics_doc.problems(wrong, self.known), [], wrong)
        for right in ('sum by (state) (hotplugger_nodes{job=~"$job"})', "up == 0 or vector(0)",
                      'rate(hotplugger_spec_pushes_total[5m] offset 1h) > 1e-3',
                      'hotplugger_node_info{label_zone="a"}'):
            self.assertEqual(metrics_doc.problems(right, self.known), [], right)


class ConditionsTest(unittest.TestCase):
    def test_each_condition_has_an_alert(self) -> None:
        page = COMMAND_LINE.read_text(encoding="utf-8").partition("| condition |")[2]
        listed = set(re.findall(r"^\| `([A-Z_]+)` \|", page.partition("\n\n")[0], re.MULTILINE))
        self.assertIn("TURNED_AWAY", listed)
        known = {matcher.value for rule in prometheus.alerts().values()
                 for selector in promql.read(rule["expr"]).selectors for matcher in selector.matchers
                 if (matcher.label, matcher.operator) == ("condition", "=")}
        self.assertLessEqual(listed, known)
        [others] = [matcher.value for selector
                    in promql.read(prometheus.alerts()["HotpluggerConditionUnknown"]["expr"]).selectors
                    for matcher in selector.matchers]
        self.assertEqual(set(others.split("|")), known)


class RunbooksTest(unittest.TestCase):
    text = RUNBOOKS.read_text(encoding="utf-8") if RUNBOOKS.exists() else ""

    def test_each_alert_has_one_and_no_other_has(self) -> None:
        sections = re.findall(r"^### (\w+)$", self.text, re.MULTILINE)
        self.assertEqual(sorted(sections), sorted(prometheus.alerts()))

    def test_each_says_what_must_be_said(self) -> None:
        for section in re.split(r"^### ", self.text, flags=re.MULTILINE)[1:]:
            name = section.partition("\n")[0]
            for word in ("Means", "Harm", "Look", "Mend"):
                self.assertIn(f"**{word}**", section, name)

    def test_commands_are_there(self) -> None:
        """Verbs and flags, by the program's own help."""
        commands = re.findall(r"hotplugctl ([^`\n|]+)", self.text)
        self.assertGreater(len(commands), 40)
        for command in sorted(set(commands)):
            words = command.split()
            verbs = [word for word in words if re.fullmatch("[a-z]+", word)]
            host = ["--host"] if "--host" in words else []
            with self.subTest(command=command):
                asked = set(re.findall(r"(?<!\S)--?[a-z][a-z-]*", command))
                self.assertLessEqual(asked, self.flags(*host, *verbs[:2]))

    def test_what_commands_ask_for_is_there(self) -> None:
        """Methods of the audit log and types of events, which the program takes whatever they are."""
        methods = {name for file in (SOURCE / "proto").rglob("*.proto")
                   for name in re.findall(r"^  rpc (\w+)\(", file.read_text(encoding="utf-8"), re.MULTILINE)}
        # The controller's own change; the comment of AuditEntry.method says so.
        own = "LapseHold"
        audit = (SOURCE / "proto/hotplugger/v1/audit.proto").read_text(encoding="utf-8")
        self.assertIn(f'"{own}"', audit)
        page = (SOURCE / "docs/api.md").read_text(encoding="utf-8").partition("## Events")[2]
        types = set(re.findall(r"^\| `(\w+)` \|", page.partition("\n## ")[0], re.MULTILINE))
        self.assertIn("NodeConnected", types)
        asked = re.findall(r"--(method|type) (\w+)", self.text)
        self.assertEqual({flag for flag, _ in asked}, {"method", "type"})
        for flag, value in asked:
            self.assertIn(value, methods | {own} if flag == "method" else types)

    def flags(self, *words: str) -> set[str]:
        """Of a verb, or of a verb and its kind (`get nodes`), with those of all verbs."""
        told = self.help(*words)
        # An unknown verb is answered with the help of all.
        self.assertNotIn(told, ("", self.help(*(word for word in words if word == "--host"))), words)
        return set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", told + self.help()))

    @staticmethod
    @functools.cache
    def help(*words: str) -> str:
        """Nothing where there is no such verb."""
        done = subprocess.run([str(prometheus.build_dir() / "bin/hotplugctl"), *words, "--help"],
                              capture_output=True, text=True, timeout=30, check=False)
        return done.stdout if done.returncode == 0 else ""

    def test_links_lead_somewhere(self) -> None:
        for file, anchor in re.findall(r"\]\(([\w.-]+)(?:#([\w-]+))?\)", self.text):
            page = (RUNBOOKS.parent / file).read_text(encoding="utf-8")
            headings = {re.sub(r"[^\w -]", "", line).strip().lower().replace(" ", "-")
                        for line in re.findall(r"^#+ (.+)$", page, re.MULTILINE)}
            if anchor:
                self.assertIn(anchor, headings, file)

    def test_conditions_and_metrics_are_known(self) -> None:
        known = metrics_doc.add_records(metrics_doc.read(), prometheus.records().items())
        for name in re.findall(r"`(hotplugger_[a-z_]+)(?:`|\{)", self.text):
            self.assertTrue(name in known or f"{name}_count" in known, name)


if __name__ == "__main__":
    unittest.main()
