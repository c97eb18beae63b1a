"""What a PromQL expression asks for: its selectors and the labels that it groups by.

A tokenizer and no parser: promtool says whether an expression is right, this only what is in it.
"""

import re
from dataclasses import dataclass, field

TOKEN = re.compile(r"""
    (?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
  | (?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?[a-z]*)
  | (?P<variable>\$\{\w+\}|\$\w+)
  | (?P<word>[a-zA-Z_:][a-zA-Z0-9_:]*)
  | (?P<operator>=~|!~|!=|==|<=|>=|[-+*/%^(){}\[\],=<>@:])
  | (?P<space>\s+)
""", re.VERBOSE)
GROUPING = {"by", "without", "on", "ignoring", "group_left", "group_right"}
WORDS = {"and", "or", "unless", "bool", "offset", "inf", "nan", "Inf", "NaN"}
RATES = {"rate", "irate", "increase"}
# Of names that other programs have, too, ours are those of these jobs (deploy/prometheus/prometheus.yml).
JOBS = re.compile(r"\(\.\+/\)\?hotplugger-(controller|agent|\(controller\|agent\))")


@dataclass(frozen=True)
class Matcher:
    """One condition on a label."""

    label: str
    operator: str
    value: str


@dataclass(frozen=True)
class Selector:
    """One metric that is asked for."""

    name: str
    matchers: tuple[Matcher, ...]
    function: str = ""  # that it is the argument of
    window: str = ""    # of its range, if it has one

    def has(self, label: str, operator: str, value: str) -> bool:
        return Matcher(label, operator, value) in self.matchers


@dataclass
class Expression:
    """All of it."""

    selectors: list[Selector] = field(default_factory=list)
    grouped_by: set[str] = field(default_factory=set)   # of by(), the result's labels
    named: set[str] = field(default_factory=set)        # of by(), on() and the like


def tokens(text: str) -> list[str]:
    found, place = [], 0
    while place < len(text):
        match = TOKEN.match(text, place)
        if match is None:
            raise ValueError(f"{text[place:place + 20]!r} in {text!r}")
        if match.lastgroup != "space":
            found.append(match.group())
        place = match.end()
    return found


def read(text: str) -> Expression:
    """What is in an expression."""
    words = [*tokens(text), ""]
    found = Expression()
    place = 0
    while place < len(words) - 1:
        word, after = words[place], words[place + 1]
        if word in GROUPING and after == "(":
            labels = words[place + 2:words.index(")", place)]
            found.named |= set(labels) - {","}
            if word == "by":
                found.grouped_by |= set(labels) - {","}
            place += len(labels) + 2
        elif word == "{" or (re.match(r"[a-zA-Z_:]", word) and word not in WORDS | GROUPING
                             and after not in ("(", "by", "without")):
            place = _selector(words, place, found)
        place += 1
    return found


def without_job(text: str) -> list[str]:
    """What an expression asks for that any program may export, without one of our jobs."""
    return [selector.name for selector in read(text).selectors
            if re.match("up$|scrape_|process_|grpc_", selector.name)
            and not any(matcher.label == "job" and matcher.operator == "=~" and JOBS.fullmatch(matcher.value)
                        for matcher in selector.matchers)]


def _selector(words: list[str], place: int, found: Expression) -> int:
    """Reads the selector that begins here; the place of its last word."""
    function = words[place - 2] if place > 1 and words[place - 1] == "(" else ""
    name = "" if words[place] == "{" else words[place]
    if name:
        place += 1
    matchers: tuple[Matcher, ...] = ()
    if words[place] == "{":
        end = words.index("}", place)
        inside = [word for word in words[place + 1:end] if word != ","]
        matchers = tuple(Matcher(label, operator, value[1:-1]) for label, operator, value
                         in zip(inside[::3], inside[1::3], inside[2::3], strict=True))
        place = end + 1
    names = [name] if name else [
        alternative for matcher in matchers if matcher.label == "__name__"
        for alternative in matcher.value.split("|")]
    window = words[place + 1] if words[place] == "[" else ""
    found.selectors += [Selector(one, matchers, function, window) for one in names]
    return place - 1 if not window else words.index("]", place)
