#!/usr/bin/env python3
"""docs/api.md: every method of every service has a call there, and every call an answer.

`make conformance CHECKS=grpcurl` makes the calls and compares the answers.
"""

import re
import sys
import unittest
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(SOURCE / "tests/conformance"))

from hotplugger_conformance import page  # noqa: E402

PROTOS = SOURCE / "proto"


def methods() -> set[str]:
    """Of every service in the protos, package.Service/Method."""
    found = set()
    for path in PROTOS.rglob("*.proto"):
        text = path.read_text(encoding="utf-8")
        for service, body in re.findall(r"^service (\w+) \{(.*?)^\}", text, re.MULTILINE | re.DOTALL):
            [package] = re.findall(r"^package (\S+);", text, re.MULTILINE)
            names = re.findall(r"^  rpc (\w+)\(", body, re.MULTILINE)
            found |= {f"{package}.{service}/{name}" for name in names}
    return found


class ApiPageTest(unittest.TestCase):
    def setUp(self) -> None:
        self.calls = page.read_calls((SOURCE / "docs/api.md").read_text(encoding="utf-8"))

    def test_every_method_is_called(self) -> None:
        called = {method for call in self.calls for method in call.methods}
        self.assertEqual(called, methods())
        self.assertGreater(len(called), 35)

    def test_every_call_has_an_answer(self) -> None:
        for call in self.calls:
            with self.subTest(line=call.line):
                self.assertIsNotNone(call.answer)
                if call.answer.lstrip().startswith(("{", "[", '"')):
                    # Read to its end, and printed as the page's other answers are.
                    printed = "\n".join(page.printed(item) for item in page.messages(call.answer))
                    self.assertEqual(printed, call.answer.rstrip("\n"))

    def test_a_call_is_one_of_grpcurl(self) -> None:
        for call in self.calls:
            self.assertRegex(call.command, r"^grpcurl ")


class ComparisonTest(unittest.TestCase):
    """What is like an answer of the page's, and what is not."""

    def test_what_is_like_it(self) -> None:
        for shown, got in (
                ({"a": 1}, {"a": 1}), ({"a": "…"}, {"a": {"b": [1]}}),
                ({"a": 1, "…": "…"}, {"a": 1, "b": 2}), ({"…": "…"}, {}), ([1, "…"], [1, 2, 3]),
                ([1, "…"], [1]), (["…"], []), ([{"a": "…"}], [{"a": 2}])):
            with self.subTest(shown=shown, got=got):
                self.assertIsNone(page.difference(shown, got))

    def test_what_is_not(self) -> None:
        for shown, got, word in (
                ({"a": 1}, {"a": 2}, ".a is 2"), ({"a": 1}, {}, "lacks a"),
                ({"a": 1}, {"a": 1, "b": 2}, "has b"), ({}, {"a": 1}, "has a"),
                ({"a": 1, "…": "…"}, {"b": 2}, "lacks a"), ([1], [1, 2], "2 items"),
                ([1, 2, "…"], [1], "1 items"), ([{"a": "x"}, "…"], [{"a": "y"}], "[0].a"),
                ({"a": []}, {"a": {}}, ".a is {}"), (1, True, "true")):
            with self.subTest(shown=shown, got=got):
                self.assertIn(word.lower(), str(page.difference(shown, got)))

    def test_answers_are_written_with_their_gaps(self) -> None:
        got = {"name": "x", "etag": "1", "items": [{"a": 1}, {"a": 2}]}
        shown = {"name": "y", "etag": "…", "items": [{"a": "…"}, "…"]}
        merged = page.merged(shown, got)
        self.assertEqual(merged, {"name": "x", "etag": "…", "items": [{"a": "…"}, "…"]})
        self.assertIsNone(page.difference(merged, got))
        self.assertEqual(page.merged({"name": "y", "…": "…"}, got), {"name": "x", "…": "…"})

    def test_a_message_that_has_not_ended_is_none_yet(self) -> None:
        self.assertEqual(page.messages('{"a": 1}\n{"b": '), [{"a": 1}])
        self.assertEqual(page.messages("ERROR:\n"), [])

    def test_an_answer_to_nothing_is_refused(self) -> None:
        with self.assertRaises(ValueError):
            page.read_calls("```json\n{}\n```\n")
        with self.assertRaises(ValueError):
            page.read_calls("```sh\ngrpcurl x\n```\n\nWords.\n\n```json\n{}\n```\n")


if __name__ == "__main__":
    unittest.main()
