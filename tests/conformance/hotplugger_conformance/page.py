"""docs/api.md: the calls that it shows, each with its answer, and whether another answer is like that one.

A call is a block of `sh`; the block that follows it, of `json` or `text`, is its answer. In an answer "…"
stands for any value; at the end of a list for more of the same, and as a field's name for more fields.
"""

import json
import re
from dataclasses import dataclass
from typing import Any

ANY = "…"
WIDTH = 110
BLOCK = re.compile(r"^```(sh|json|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass
class Call:
    """One block of `sh`, as it stands on the page, and its answer; the answer is None where there is none."""

    line: int
    command: str
    answer: str | None = None
    # Of the answer's block in the page's text.
    span: tuple[int, int] | None = None

    @property
    def methods(self) -> list[str]:
        """package.Service/Method, as often as it is called."""
        return re.findall(r"(?<= )((?:\w+\.)+\w+/\w+)(?= |$)", self.command, re.MULTILINE)

    @property
    def has_no_end(self) -> bool:
        return any(method.rpartition("/")[2].startswith("Watch") for method in self.methods)


def read_calls(text: str) -> list[Call]:
    calls: list[Call] = []
    end = 0
    for block in BLOCK.finditer(text):
        kind, content = block.groups()
        if kind == "sh":
            calls.append(Call(text.count("\n", 0, block.start()) + 1, content))
        elif calls and calls[-1].answer is None and not text[end:block.start()].strip():
            calls[-1].answer, calls[-1].span = content, block.span()
        else:
            raise ValueError(f"line {text.count(chr(10), 0, block.start()) + 1}: an answer to no call")
        end = block.end()
    return calls


def messages(text: str) -> list[Any]:
    """The JSON of an answer, one message after the other; what has not ended is left out."""
    decoder, found, place = json.JSONDecoder(), [], 0
    while (start := re.compile(r"\S").search(text, place)) is not None:
        try:
            message, place = decoder.raw_decode(text, start.start())
        except json.JSONDecodeError:
            break
        found.append(message)
    return found


def difference(shown: Any, got: Any, place: str = "") -> str | None:
    """Where `got` is not like `shown`; None where it is."""
    if shown == ANY:
        return None
    if isinstance(shown, dict) and isinstance(got, dict):
        return _difference_of_objects(shown, got, place)
    if isinstance(shown, list) and isinstance(got, list):
        return _difference_of_lists(shown, got, place)
    # To Python, 1 is True.
    if type(shown) is type(got) and shown == got:
        return None
    return f"{place or 'the answer'} is {json.dumps(got, ensure_ascii=False)}, not " \
           f"{json.dumps(shown, ensure_ascii=False)}"


def _difference_of_objects(shown: dict[str, Any], got: dict[str, Any], place: str) -> str | None:
    wanted = set(shown) - {ANY}
    if missing := wanted - set(got):
        return f"{place or 'the answer'} lacks {', '.join(sorted(missing))}"
    if ANY not in shown and (more := set(got) - wanted):
        return f"{place or 'the answer'} has {', '.join(sorted(more))} besides"
    return next((found for key in wanted
                 if (found := difference(shown[key], got[key], f"{place}.{key}"))), None)


def _difference_of_lists(shown: list[Any], got: list[Any], place: str) -> str | None:
    more = shown[-1:] == [ANY]
    wanted = shown[:-1] if more else shown
    if len(got) < len(wanted) or (len(got) > len(wanted) and not more):
        return f"{place or 'the answer'} has {len(got)} items, not {len(wanted)}"
    return next((found for number, item in enumerate(wanted)
                 if (found := difference(item, got[number], f"{place}[{number}]"))), None)


def merged(shown: Any, got: Any) -> Any:
    """`got`, with "…" where `shown` has it."""
    if shown == ANY:
        return ANY
    if isinstance(shown, dict) and isinstance(got, dict):
        return {key: merged(shown[key], value) if key in shown else value
                for key, value in got.items() if key in shown or ANY not in shown} \
               | ({ANY: ANY} if ANY in shown else {})
    if isinstance(shown, list) and isinstance(got, list):
        wanted = [item for item in shown if item != ANY]
        items = got[:len(wanted)] if ANY in shown else got
        return [merged(wanted[number], item) if number < len(wanted) else item
                for number, item in enumerate(items)] + ([ANY] if ANY in shown else [])
    return got


def printed(message: Any, indent: int = 0) -> str:
    """JSON in as few lines as fit the page's width."""
    line = json.dumps(message, ensure_ascii=False)
    if indent + len(line) <= WIDTH or not isinstance(message, (dict, list)) or not message:
        return line
    space = " " * (indent + 2)
    if isinstance(message, dict):
        items = [f"{space}{json.dumps(key)}: {printed(value, indent + 2)}" if key != ANY
                 else f'{space}"{ANY}": "{ANY}"' for key, value in message.items()]
        return "{\n" + ",\n".join(items) + "\n" + " " * indent + "}"
    items = [space + printed(item, indent + 2) for item in message]
    return "[\n" + ",\n".join(items) + "\n" + " " * indent + "]"
