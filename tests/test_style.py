"""Rules of style that no linter knows."""

import ast
import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

from scripts.environment import ROOT

#: Written in pieces, so that this file passes its own rule.
VAGUE = re.compile(r"\b(?:" + "|".join(["no" + "body", "some" + "body", "who" + "ever"]) + r")\b", re.IGNORECASE)
MAX_FUNCTION_LINES = 60
MAX_LOOSE_MODULES = 8
APPS = (
    "accounts",
    "activity",
    "api",
    "billing",
    "broadcast",
    "chat",
    "common",
    "gateway",
    "guardrails",
    "keys",
    "models_catalog",
    "operations",
    "presets",
    "request_builder",
)


def committed(*patterns: str) -> list[Path]:
    listing = subprocess.run(
        ["git", "ls-files", "-z", *patterns], cwd=ROOT, capture_output=True, check=True, text=True
    ).stdout
    return [ROOT / name for name in listing.split("\0") if name and (ROOT / name).exists()]


@cache
def definitions() -> list[tuple[str, str, int]]:
    """Return the place of every module, class and function, its docstring, and the lines of a function, else 0."""
    return [
        (
            f"{path.relative_to(ROOT)}:{getattr(node, 'name', '')}",
            ast.get_docstring(node) or "",
            0 if isinstance(node, ast.ClassDef | ast.Module) else (node.end_lineno or 0) - node.lineno + 1,
        )
        for path in committed("*.py")
        if "/migrations/" not in str(path)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Module)
    ]


def test_texts_name_things_instead_of_vague_persons():
    found = [
        f"{path.relative_to(ROOT)}: {hit.group()}"
        for path in committed("*.py", "*.html", "*.txt", "*.js", "*.css", "*.md", "*.sql", "*.toml")
        for hit in VAGUE.finditer(path.read_text())
    ]
    assert found == []


def test_docstrings_say_what_comes_back_and_do_not_ask():
    found = [place for place, text, _ in definitions() if re.match(r'\s*"?\s*(?:Who|What|Whose)\b', text)]
    assert found == []


def test_functions_fit_a_screen():
    found = [f"{place}: {lines} lines" for place, _, lines in definitions() if lines > MAX_FUNCTION_LINES]
    assert found == []


@pytest.mark.parametrize("app", APPS)
def test_modules_of_an_app_stand_in_rooms(app):
    loose = [path.name for path in (ROOT / app).glob("*.py") if path.name != "__init__.py"]
    assert len(loose) <= MAX_LOOSE_MODULES, sorted(loose)
