"""Coding agents, unmodified, against the running site. Their tests run where the programs are: on PATH, or below this
folder after `npm ci --ignore-scripts` in it (660 MB)."""

import os
import shutil
from pathlib import Path

import pytest

__all__ = ["needs", "program"]

_FOLDER = Path(__file__).parent / "node_modules" / ".bin"


def program(name: str) -> str:
    """The path of an agent's program; empty if it is not installed."""
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}{os.pathsep}{_FOLDER}") or ""


def needs(path: str, name: str) -> pytest.MarkDecorator:
    """The mark of tests that are skipped without the program at this path."""
    return pytest.mark.skipif(not path, reason=f"{name} is not installed: npm ci --ignore-scripts in tests/agents")
