"""docs/metrics.md as data, and what rules and dashboards may ask for by it."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from . import SOURCE, promql

PAGE = SOURCE / "docs/metrics.md"
# What Prometheus gives each series, and our scrape configuration those of agents.
TARGET = {"job", "instance"}
AGENT_TARGET = TARGET | {"node"}
# A node's own labels: any.
LABEL = re.compile(r"label_\w+")
PROMETHEUS = ("up", "scrape_duration_seconds", "scrape_samples_scraped",
              "scrape_samples_post_metric_relabeling", "scrape_series_added")
NAME = re.compile(r"[a-z_][a-z0-9_]*")


@dataclass(frozen=True)
class Metric:
    """A series that can be asked for."""

    labels: frozenset[str]
    values: Mapping[str, frozenset[str]] = field(default_factory=dict)  # where the page lists them
    free: bool = False            # has labels that nobody can list
    kind: str = "gauge"

    def knows(self, label: str) -> bool:
        return self.free or label in self.labels or bool(LABEL.fullmatch(label))


Catalogue = dict[str, Metric]


def read(text: str | None = None) -> Catalogue:
    """All that the page lists, and what Prometheus adds by itself."""
    text = PAGE.read_text(encoding="utf-8") if text is None else text
    known: Catalogue = {name: Metric(frozenset(AGENT_TARGET)) for name in PROMETHEUS}
    known["ALERTS"] = Metric(frozenset(), free=True)
    # Twice: a row may say "as" of one below it.
    for _ in range(2):
        section = ""
        for line in text.splitlines():
            if heading := re.match(r"## (.+)", line):
                section = heading[1]
            if row := re.match(r"\| `([a-z_]+)` \| (\w+) \|[^|]*\|([^|]*)\|", line):
                _add(row[1], row[2], row[3], TARGET if section == "Controller" else AGENT_TARGET, known)
    return known


def _add(name: str, kind: str, cell: str, target: set[str], known: Catalogue) -> None:
    labels, values = _labels(cell, known)
    labels |= target
    if kind != "histogram":
        known[name] = Metric(frozenset(labels), values, kind=kind)
        return
    for suffix in ("_sum", "_count"):
        known[name + suffix] = Metric(frozenset(labels), values, kind="counter")
    known[name + "_bucket"] = Metric(frozenset(labels | {"le"}), values, kind="counter")


def _labels(cell: str, known: Catalogue) -> tuple[set[str], dict[str, frozenset[str]]]:
    """The names in a cell such as "`node`, `state`: `online`, `offline`; `reason`"."""
    labels: set[str] = set()
    values: dict[str, frozenset[str]] = {}
    if other := re.fullmatch(r"\s*as `(\w+)`\s*", cell):
        metric = known.get(other[1], Metric(frozenset()))
        return set(metric.labels - AGENT_TARGET), dict(metric.values)
    for part in cell.split(";"):
        names, _, listed = part.partition(":")
        found = [name for name in re.findall(r"`([^`]+)`", names) if NAME.fullmatch(name)]
        labels |= set(found)
        words = re.findall(r"`([^`]+)`", listed)
        if found and words and "as `" not in listed and not any("/" in word for word in words):
            values[found[-1]] = frozenset(words)
    return labels, values


def add_records(known: Catalogue, records: Iterable[tuple[str, str]]) -> Catalogue:
    """With recording rules, whose labels are those that they sum up by."""
    known = dict(known)
    for name, text in records:
        known[name] = Metric(frozenset(promql.read(text).grouped_by))
    return known


def problems(text: str, known: Catalogue) -> list[str]:
    """What an expression asks for and nobody exports."""
    found: list[str] = []
    expression = promql.read(text)
    for selector in expression.selectors:
        metric = known.get(selector.name)
        if metric is None:
            found.append(f"no metric {selector.name}")
            continue
        for matcher in selector.matchers:
            if matcher.label != "__name__" and not metric.knows(matcher.label):
                found.append(f"{selector.name} has no label {matcher.label}")
            found += [f"{selector.name}: {matcher.label} is never {value}"
                      for value in _literals(matcher)
                      if value not in metric.values.get(matcher.label, {value})]
    metrics = [known[selector.name] for selector in expression.selectors if selector.name in known]
    found += [f"nothing has a label {label}" for label in sorted(expression.named)
              if not any(metric.knows(label) for metric in metrics)]
    return found


def _literals(matcher: promql.Matcher) -> list[str]:
    """The values that a matcher names outright."""
    if matcher.operator == "=":
        return [] if "$" in matcher.value or not matcher.value else [matcher.value]
    return [value for value in matcher.value.split("|") if re.fullmatch(r"[a-z_]+", value)]
