"""The table of capabilities in docs/coverage.md tells the truth about files and tests."""

import ast
import re
from functools import cache
from pathlib import Path

from scripts.environment import ROOT

ROW = re.compile(r"^\| (\d+) \| (.+?) \| (.+?) \| (.+?) \|$", re.MULTILINE)


def rows() -> list[tuple[str, str, str, str]]:
    return ROW.findall((ROOT / "docs/coverage.md").read_text())


@cache
def defined_in(path: Path) -> frozenset[str]:
    functions = ast.walk(ast.parse(path.read_text()))
    return frozenset(node.name for node in functions if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def test_every_capability_has_a_row():
    assert [int(number) for number, *_ in rows()] == list(range(1, 152))


def test_every_file_named_exists():
    named = {(number, path) for number, _, where, _ in rows() for path in re.findall(r"`([\w./-]+\.\w+)`", where)}
    assert {(number, path) for number, path in named if not (ROOT / path).exists()} == set()


def test_every_test_named_exists():
    wrong = []
    for number, _, _, shown_by in rows():
        for path, name in re.findall(r"`([\w./-]+\.py)::(\w+)`", shown_by):
            if not (ROOT / path).exists() or name not in defined_in(ROOT / path):
                wrong.append((number, path, name))
    assert wrong == []


def test_a_row_names_a_place_and_a_test_or_says_that_it_is_missing():
    for number, _, where, shown_by in rows():
        assert where.startswith("missing") or "`" in where, number
        assert shown_by.startswith("missing") or re.search(r"`[\w./-]+\.py::test_\w+`", shown_by), number
        assert where.startswith("missing") <= shown_by.startswith("missing"), number
