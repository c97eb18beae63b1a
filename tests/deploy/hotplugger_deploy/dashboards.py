"""deploy/grafana's dashboards, and what they must be like: the rules of Grafana's dashboard-linter
(which is written in Go and can't be had here), by the same names, and a few of our own.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from . import DEPLOY, promql

FOLDER = DEPLOY / "grafana"
FILES = sorted((FOLDER / "dashboards").glob("*.json"))
Object = dict[str, Any]

# Of Grafana's units, those that fit what we show; anything else is a slip until it is added here.
UNITS = {"none", "short", "percentunit", "bytes", "s", "ops", "reqps"}
WITH_LEGEND = {"timeseries", "status-history", "state-timeline"}


@dataclass(frozen=True)
class Problem:
    """One breach of a rule; `panel` and `target` where it is one of them."""

    rule: str
    dashboard: str
    text: str
    panel: str = ""
    target: int | None = None


def load() -> list[Object]:
    return [json.loads(file.read_text(encoding="utf-8")) for file in FILES]


def panels(dashboard: Object) -> Iterator[Object]:
    """All but the titles of sections."""
    return (panel for panel in dashboard["panels"] if panel["type"] != "row")


def variables(dashboard: Object) -> dict[str, Object]:
    return {variable["name"]: variable for variable in dashboard["templating"]["list"]}


def substituted(text: str, values: Mapping[str, str]) -> str:
    """As Grafana puts the values of variables in; one that is unknown stays."""
    def value(match: re.Match[str]) -> str:
        name = match[1] or match[2]
        return values.get(name, match[0])

    return re.sub(r"\$\{(\w+)\}|\$(\w+)", value, text)


def label_values(query: str) -> tuple[str, str]:
    """The selector and the label of label_values(selector, label)."""
    match = re.fullmatch(r"label_values\((.+),\s*(\w+)\)", query)
    if match is None:
        raise ValueError(query)
    return match[1], match[2]


# The rules. Each lists what breaks it.

def template_datasource(board: Object) -> Iterator[Problem]:
    name = "template-datasource-rule"
    found = [item for item in board["templating"]["list"] if item["type"] == "datasource"]
    if [(item["name"], item["label"], item["query"]) for item in found] != [
            ("datasource", "Data source", "prometheus")]:
        yield Problem(name, board["title"], "needs one variable datasource, 'Data source', of prometheus")


def _template(name: str, label: str) -> Callable[[Object], Iterator[Problem]]:
    def rule(board: Object) -> Iterator[Problem]:
        item = variables(board).get(name, {})
        wanted = {"label": label, "type": "query", "multi": True, "allValue": ".+", "includeAll": True,
                  "datasource": {"type": "prometheus", "uid": "${datasource}"}}
        if wrong := [key for key, value in wanted.items() if item.get(key) != value]:
            yield Problem(f"template-{name}-rule", board["title"],
                          f"{', '.join(wrong)} of the variable {name}")

    return rule


def template_label_promql(board: Object) -> Iterator[Problem]:
    for name, item in variables(board).items():
        if item["type"] != "query":
            continue
        try:
            selector, _ = label_values(item["query"]["query"])
            if len(promql.read(selector).selectors) == 0:
                raise ValueError(selector)
        except ValueError as error:
            yield Problem("template-label-promql-rule", board["title"], f"{name}: {error}")


def template_reload(board: Object) -> Iterator[Problem]:
    for name, item in variables(board).items():
        if item["type"] == "query" and item.get("refresh") != 2:
            yield Problem("template-on-time-change-reload-rule", board["title"], name)


def uneditable(board: Object) -> Iterator[Problem]:
    if board.get("editable") is not False:
        yield Problem("uneditable-dashboard-rule", board["title"], "editable is not false")


def panel_datasource(board: Object, panel: Object) -> Iterator[str]:
    for place in (panel, *panel.get("targets", [])):
        if place.get("datasource", {}).get("uid") not in ("$datasource", "${datasource}"):
            yield "its data source is not the variable"


def panel_title_description(board: Object, panel: Object) -> Iterator[str]:
    for key in ("title", "description"):
        if not panel.get(key):
            yield f"no {key}"


def panel_units(board: Object, panel: Object) -> Iterator[str]:
    unit = panel["fieldConfig"]["defaults"].get("unit", "")
    if unit not in UNITS:
        yield f"unit {unit!r}"


def panel_no_targets(board: Object, panel: Object) -> Iterator[str]:
    if not panel.get("targets"):
        yield "no target"


def panel_legend(board: Object, panel: Object) -> Iterator[str]:
    """Ours: who is who in a chart is always said."""
    legend = panel.get("options", {}).get("legend", {})
    if panel["type"] in WITH_LEGEND and not legend.get("showLegend"):
        yield "no legend"
    for target in panel.get("targets", []):
        if panel["type"] in WITH_LEGEND and target.get("legendFormat", "") in ("", "__auto"):
            yield f"{target['refId']}: no text for the legend"


def target_promql(expression: promql.Expression, text: str) -> Iterator[str]:
    """As far as it can be said here; promtool says the rest, of all at once."""
    if not expression.selectors:
        yield f"no selector in {text!r}"


def target_rate_interval(expression: promql.Expression, text: str) -> Iterator[str]:
    for selector in expression.selectors:
        if selector.function in promql.RATES and selector.window != "$__rate_interval":
            yield f"{selector.function} of {selector.name} over {selector.window}"


def _target_has(label: str) -> Callable[[promql.Expression, str], Iterator[str]]:
    def rule(expression: promql.Expression, text: str) -> Iterator[str]:
        for selector in expression.selectors:
            if not selector.has(label, "=~", f"${label}"):
                yield f"{selector.name} without {label}=~\"${label}\""

    return rule


def target_counter_agg(expression: promql.Expression, text: str) -> Iterator[str]:
    for selector in expression.selectors:
        if selector.name.endswith("_total") and selector.function not in promql.RATES:
            yield f"{selector.name} is a counter"


BOARD_RULES = (template_datasource, _template("job", "Job"), _template("instance", "Instance"),
               template_label_promql, template_reload, uneditable)
PANEL_RULES = {"panel-datasource-rule": panel_datasource,
               "panel-title-description-rule": panel_title_description,
               "panel-units-rule": panel_units, "panel-no-targets-rule": panel_no_targets,
               "panel-legend": panel_legend}
TARGET_RULES = {"target-promql-rule": target_promql, "target-rate-interval-rule": target_rate_interval,
                "target-job-rule": _target_has("job"), "target-instance-rule": _target_has("instance"),
                "target-counter-agg-rule": target_counter_agg}


def lint(board: Object) -> list[Problem]:
    """All breaches of a dashboard, those that .lint allows among them."""
    found = [problem for rule in BOARD_RULES for problem in rule(board)]
    for panel in panels(board):
        title = panel.get("title", "")
        found += [Problem(name, board["title"], text, title)
                  for name, rule in PANEL_RULES.items() for text in rule(board, panel)]
        for number, target in enumerate(panel.get("targets", [])):
            found += _lint_target(board["title"], title, number, target["expr"])
    return found


def _lint_target(board: str, panel: str, number: int, text: str) -> list[Problem]:
    try:
        expression = promql.read(text)
    except (ValueError, IndexError) as error:
        return [Problem("target-promql-rule", board, str(error), panel, number)]
    return [Problem(name, board, said, panel, number)
            for name, rule in TARGET_RULES.items() for said in rule(expression, text)]


@dataclass(frozen=True)
class Exclusion:
    """An entry of .lint, which dashboard-linter reads too."""

    rule: str
    entry: Mapping[str, Any]

    def covers(self, problem: Problem) -> bool:
        return (self.rule == problem.rule
                and self.entry.get("dashboard", problem.dashboard) == problem.dashboard
                and self.entry.get("panel", problem.panel) == problem.panel
                and self.entry.get("targetIdx", problem.target) == problem.target)


def exclusions(file: Path = FOLDER / ".lint") -> list[Exclusion]:
    """Each with a reason; one without entries is for all dashboards."""
    wanted = yaml.safe_load(file.read_text(encoding="utf-8"))["exclusions"]
    found = []
    for rule, what in wanted.items():
        if not what or not what.get("reason"):
            raise ValueError(f"{file}: {rule} has no reason")
        found += [Exclusion(rule, entry) for entry in what.get("entries") or [{}]]
    return found


def left(problems: Iterable[Problem], allowed: list[Exclusion]) -> list[Problem]:
    """What no exclusion covers."""
    return [problem for problem in problems if not any(item.covers(problem) for item in allowed)]
