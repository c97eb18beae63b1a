#!/usr/bin/env python3
"""deploy/grafana: dashboards are as their source says, keep the linter's rules, and ask for what there is."""

import copy
import re
import subprocess
import sys
import tempfile
import unittest
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

import yaml  # noqa: E402

from hotplugger_deploy import SOURCE, dashboards, metrics_doc, prometheus, promql  # noqa: E402

RENDER = SOURCE / "scripts/render-dashboards"
UIDS = {"hotplugger-fleet", "hotplugger-node", "hotplugger-drivers", "hotplugger-policies",
        "hotplugger-controller"}
# Values of every kind of variable; of all, as Grafana has them for "All".
VALUES = {"__rate_interval": "1m", "__range": "3h", "datasource": "prometheus", "job": ".+",
          "instance": ".+", "node": ".+", "driver": ".+", "domain": "pool", "value": ".*"}
Object = dict[str, Any]


class DashboardCase(unittest.TestCase):
    boards = dashboards.load()
    known = metrics_doc.add_records(metrics_doc.read(), prometheus.records().items())

    def targets(self, board: Object) -> list[tuple[str, str]]:
        return [(panel["title"], target["expr"]) for panel in dashboards.panels(board)
                for target in panel["targets"]]


class SourceTest(unittest.TestCase):
    def render(self, *words: str) -> tuple[int, str]:
        done = subprocess.run([str(RENDER), *words], capture_output=True, text=True, timeout=100,
                              check=False)
        return done.returncode, done.stderr

    def test_dashboards_are_what_their_source_says(self) -> None:
        self.assertEqual(self.render("--check"), (0, ""))

    def test_the_source_is_formatted(self) -> None:
        for file in sorted((dashboards.FOLDER / "src").iterdir()):
            done = subprocess.run(["jsonnetfmt", "--test", str(file)], timeout=60, check=False)
            self.assertEqual(done.returncode, 0, f"jsonnetfmt -i {file}")

    def test_others_would_be_told(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            for name in ("src", "dashboards"):
                (Path(folder) / name).mkdir()
            (Path(folder) / "src/a.jsonnet").write_text("{b: 1, a: 2}", encoding="utf-8")
            self.assertEqual(self.render("--check", "--folder", folder)[0], 1)
            self.assertEqual(self.render("--folder", folder), (0, ""))
            made = Path(folder) / "dashboards/a.json"
            self.assertEqual(made.read_text(encoding="utf-8"), '{\n  "a": 2,\n  "b": 1\n}\n')
            self.assertEqual(self.render("--check", "--folder", folder), (0, ""))
            made.write_text("{}", encoding="utf-8")
            self.assertEqual(self.render("--check", "--folder", folder)[0], 1)
            self.render("--folder", folder)
            (Path(folder) / "dashboards/old.json").write_text("{}", encoding="utf-8")
            self.assertEqual(self.render("--check", "--folder", folder)[0], 1)


class LinterTest(DashboardCase):
    allowed = dashboards.exclusions()

    def test_rules_are_kept(self) -> None:
        for board in self.boards:
            with self.subTest(dashboard=board["title"]):
                self.assertEqual(dashboards.left(dashboards.lint(board), self.allowed), [])

    def test_each_exclusion_is_needed(self) -> None:
        found = [problem for board in self.boards for problem in dashboards.lint(board)]
        for exclusion in self.allowed:
            self.assertTrue(any(exclusion.covers(problem) for problem in found), exclusion)

    def planted(self, rule: str, change: Callable[[Object, Object], None]) -> None:
        """A dashboard that breaks a rule is caught by that one."""
        board = copy.deepcopy(next(item for item in self.boards if item["uid"] == "hotplugger-controller"))
        self.assertEqual(dashboards.left(dashboards.lint(board), self.allowed), [])
        panel = next(panel for panel in dashboards.panels(board) if panel["type"] == "timeseries")
        change(board, panel)
        caught = {problem.rule for problem in dashboards.left(dashboards.lint(board), self.allowed)}
        self.assertIn(rule, caught)

    def test_what_breaks_a_rule_is_caught(self) -> None:
        def variable(which: str, **values: Any) -> Callable[[Object, Object], None]:
            return lambda board, panel: dashboards.variables(board)[which].update(values)

        def expression(text: str) -> Callable[[Object, Object], None]:
            return lambda board, panel: panel["targets"][0].update(expr=text)

        def without(key: str) -> Callable[[Object, Object], None]:
            return lambda board, panel: panel.pop(key)

        here = 'job=~"$job",instance=~"$instance"'
        for rule, change in (
                ("template-datasource-rule", variable("datasource", name="source")),
                ("template-datasource-rule", variable("datasource", query="loki")),
                ("template-job-rule", variable("job", multi=False)),
                ("template-job-rule", variable("job", allValue=None)),
                ("template-instance-rule", variable("instance", label="Host")),
                ("template-label-promql-rule", variable("job", query={"query": "label_values(job"})),
                ("template-label-promql-rule", variable("job", query={"query": "label_values(1, job)"})),
                ("template-on-time-change-reload-rule", variable("job", refresh=1)),
                ("uneditable-dashboard-rule", lambda board, panel: board.update(editable=True)),
                ("panel-datasource-rule", lambda board, panel: panel.update(datasource={"uid": "mine"})),
                ("panel-datasource-rule", lambda board, panel: panel["targets"][0].pop("datasource")),
                ("panel-title-description-rule", without("title")),
                ("panel-title-description-rule", lambda board, panel: panel.update(description="")),
                ("panel-units-rule",
                 lambda board, panel: panel["fieldConfig"]["defaults"].update(unit="sec")),
                ("panel-no-targets-rule", lambda board, panel: panel.update(targets=[])),
                ("panel-legend", lambda board, panel: panel["targets"][0].update(legendFormat="")),
                ("panel-legend", lambda board, panel: panel["options"]["legend"].update(showLegend=False)),
                ("target-promql-rule", expression("1 + 1")),
                ("target-promql-rule", expression("up{job='a")),
                ("target-rate-interval-rule", expression("rate(up{%s}[5m])" % here)),
                ("target-job-rule", expression('up{instance=~"$instance"}')),
                ("target-job-rule", expression('up{job="$job",instance=~"$instance"}')),
                ("target-instance-rule", expression('up{job=~"$job"}')),
                ("target-counter-agg-rule", expression("process_cpu_seconds_total{%s}" % here)),
                ("target-counter-agg-rule", expression("sum(process_cpu_seconds_total{%s})" % here))):
            with self.subTest(rule=rule):
                self.planted(rule, change)

    def test_an_exclusion_has_a_reason(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / ".lint"
            file.write_text("exclusions: {target-job-rule: {entries: [{panel: CPU}]}}", encoding="utf-8")
            with self.assertRaises(ValueError):
                dashboards.exclusions(file)


class QueryTest(DashboardCase):
    def test_promtool_takes_every_query(self) -> None:
        self.assertEqual(self.checked([dashboards.substituted(text, VALUES) for board in self.boards
                                       for _, text in self.targets(board)]), 0)

    def test_promtool_would_say_what_it_does_not_take(self) -> None:
        for wrong in ("sum(", "rate(up)", "histogram_quantile(up)", 'up{job="$job}'):
            self.assertNotEqual(self.checked([wrong]), 0, wrong)

    def checked(self, texts: list[str]) -> int:
        """promtool's exit status with these as rules."""
        rules = [{"record": "a:b:c", "expr": text, "labels": {"number": str(number)}}
                 for number, text in enumerate(texts)]
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "rules.yml"
            file.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}),
                            encoding="utf-8")
            status, self.said = prometheus.promtool("check", "rules", file)
        return status

    def test_they_ask_for_what_there_is(self) -> None:
        for board in self.boards:
            for title, text in self.targets(board):
                with self.subTest(dashboard=board["title"], panel=title):
                    self.assertEqual(metrics_doc.problems(text, self.known), [])
            for name, variable in dashboards.variables(board).items():
                if variable["type"] == "query":
                    selector, label = dashboards.label_values(variable["query"]["query"])
                    with self.subTest(dashboard=board["title"], variable=name):
                        self.assertEqual(
                            metrics_doc.problems(f"sum by ({label}) ({selector})", self.known), [])

    def test_every_variable_is_known_and_used(self) -> None:
        for board in self.boards:
            names = set(dashboards.variables(board))
            for title, text in self.targets(board):
                self.assertEqual(re.findall(r"\$", dashboards.substituted(
                    text, {name: value for name, value in VALUES.items()
                           if name in names or name.startswith("__")})), [], title)
            text = str(board["panels"])
            for name in names:
                self.assertRegex(text, rf"\$({name}\b|{{{name}}})", f"{board['title']}: {name}")

    def test_each_metric_that_alerts_ask_for_has_a_panel(self) -> None:
        """Who is woken by an alert must be able to look."""
        shown = {name for board in self.boards for _, text in self.targets(board)
                 for name in self.exported(text)}
        for name, rule in prometheus.alerts().items():
            self.assertLessEqual(self.exported(rule["expr"]), shown, name)

    def test_what_other_programs_export_too_is_asked_for_by_job(self) -> None:
        for board in self.boards:
            for title, text in self.targets(board):
                with self.subTest(dashboard=board["title"], panel=title):
                    self.assertEqual(promql.without_job(text), [])

    def test_a_chart_of_all_nodes_has_a_bound(self) -> None:
        """A fleet may have thousands; tables are for looking them up."""
        seen = 0
        for board in self.boards:
            if not dashboards.variables(board).get("node", {}).get("includeAll"):
                continue
            for panel in dashboards.panels(board):
                for target in panel["targets"]:
                    if "{{node}}" in target["legendFormat"] and not target["instant"]:
                        seen += 1
                        self.assertRegex(target["expr"], r"(top|bottom)k\(\d\d?, ", panel["title"])
                        self.assertRegex(panel["description"], r"\b(ten|10|50)\b", panel["title"])
        self.assertEqual(seen, 3)

    def exported(self, text: str) -> set[str]:
        """The metrics that an expression comes down to, past what is recorded."""
        records = prometheus.records()
        found: set[str] = set()
        for selector in promql.read(text).selectors:
            if selector.name in records:
                found |= self.exported(records[selector.name])
            else:
                found.add(re.sub("_(bucket|count|sum)$", "", selector.name))
        return found


class FormTest(DashboardCase):
    def test_uids_and_tags(self) -> None:
        self.assertEqual({board["uid"] for board in self.boards}, UIDS)
        for board in self.boards:
            self.assertEqual(board["tags"], ["hotplugger"])
            self.assertEqual((board["schemaVersion"], board["graphTooltip"], board["refresh"]),
                             (37, 1, "30s"))
            self.assertNotIn("id", board)

    def test_links_lead_somewhere(self) -> None:
        for board in self.boards:
            [link] = board["links"]
            self.assertEqual((link["type"], link["tags"]), ("dashboards", ["hotplugger"]))
            for uid in re.findall(r"/d/([a-z-]+)/", str(board)):
                self.assertIn(uid, UIDS)
        fleet = next(board for board in self.boards if board["uid"] == "hotplugger-fleet")
        self.assertIn("/d/hotplugger-node/", str(fleet))

    def test_panels_have_a_place_of_their_own(self) -> None:
        for board in self.boards:
            taken: Counter[tuple[int, int]] = Counter()
            for panel in board["panels"]:
                place = panel["gridPos"]
                self.assertLessEqual(place["x"] + place["w"], 24, panel["title"])
                taken.update((place["x"] + x, place["y"] + y)
                             for x in range(place["w"]) for y in range(place["h"]))
            self.assertEqual(max(taken.values()), 1, board["title"])
            for key in ("id", "title"):
                counted = Counter(panel[key] for panel in board["panels"])
                self.assertEqual([value for value, times in counted.items() if times > 1], [],
                                 board["title"])

    def test_lines_are_where_alerts_fire(self) -> None:
        """A panel that names an alert has its threshold as a line."""
        for board in self.boards:
            for panel in dashboards.panels(board):
                for alert in re.findall(r"Hotplugger[A-Z]\w+", panel["description"]):
                    steps = panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
                    threshold = re.findall(r"[<>] ([\d.]+)", prometheus.alerts()[alert]["expr"])[0]
                    self.assertIn(float(threshold), [step["value"] for step in steps], alert)

    def test_provisioning(self) -> None:
        folder = dashboards.FOLDER / "provisioning"
        [source] = prometheus.read(folder / "datasources/hotplugger.yaml")["datasources"]
        self.assertEqual((source["type"], source["access"]), ("prometheus", "proxy"))
        # Grafana takes $__rate_interval from it.
        interval = prometheus.read(prometheus.CONFIG)["scrape_configs"][1]["scrape_interval"]
        self.assertEqual(source["jsonData"]["timeInterval"], interval)
        [provider] = prometheus.read(folder / "dashboards/hotplugger.yaml")["providers"]
        self.assertEqual((provider["type"], provider["allowUiUpdates"]), ("file", False))
        readme = (dashboards.FOLDER / "README.md").read_text(encoding="utf-8")
        self.assertIn(provider["options"]["path"], readme)


if __name__ == "__main__":
    unittest.main()
