"""Lines cut into runs, in the order in which they are drawn."""

import pytest

from activity.reports.runs import Run, runs_of


def font_of(char, before):
    if char in "\u064e ":
        return before or "latin"
    return "arabic" if "\u0600" <= char <= "\u06ff" else "latin"


@pytest.mark.parametrize(
    ("text", "runs"),
    [
        ("", []),
        ("Key", [Run("Key", "latin")]),
        ("مَفتاح جديد", [Run("مَفتاح جديد", "arabic", True)]),
        ("Key مفتاح v2", [Run("Key ", "latin"), Run("مفتاح", "arabic", True), Run(" ", "arabic"), Run("v2", "latin")]),
        ("مفتاح Key", [Run("Key", "latin"), Run("مفتاح ", "arabic", True)]),
        (
            "مفتاح (12) أ",
            [
                Run("أ", "arabic", True),
                Run(") ", "latin", True),
                Run("12", "latin"),
                Run("(", "latin", True),
                Run("مفتاح ", "arabic", True),
            ],
        ),
    ],
)
def test_runs_stand_from_left_to_right(text, runs):
    assert runs_of(text, font_of) == runs
