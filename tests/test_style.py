"""Rules of style that no linter knows."""

import ast
import re
import subprocess
from collections.abc import Iterator
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
    "models_catalog",
    "operations",
)


def committed(*patterns: str) -> list[Path]:
    listing = subprocess.run(
        ["git", "ls-files", "-z", *patterns], cwd=ROOT, capture_output=True, check=True, text=True
    ).stdout
    return [ROOT / name for name in listing.split("\0") if name and (ROOT / name).exists()]


def definitions() -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Module]]:
    for path in committed("*.py"):
        if "/migrations/" in str(path):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Module):
                yield f"{path.relative_to(ROOT)}:{getattr(node, 'name', '')}", node


def test_texts_name_things_instead_of_vague_persons():
    found = [
        f"{path.relative_to(ROOT)}: {hit.group()}"
        for path in committed("*.py", "*.html", "*.txt", "*.js", "*.css", "*.md", "*.sql", "*.toml")
        for hit in VAGUE.finditer(path.read_text())
    ]
    assert found == []


def test_docstrings_say_what_comes_back_and_do_not_ask():
    found = [
        place
        for place, node in definitions()
        if re.match(r'\s*"?\s*(?:Who|What|Whose)\b', ast.get_docstring(node) or "")
    ]
    assert found == []


def test_functions_fit_a_screen():
    found = [
        f"{place}: {node.end_lineno - node.lineno + 1} lines"
        for place, node in definitions()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno - node.lineno + 1 > MAX_FUNCTION_LINES
    ]
    assert found == []


@pytest.mark.parametrize("app", APPS)
def test_modules_of_an_app_stand_in_rooms(app):
    loose = [path.name for path in (ROOT / app).glob("*.py") if path.name != "__init__.py"]
    assert len(loose) <= MAX_LOOSE_MODULES, sorted(loose)
