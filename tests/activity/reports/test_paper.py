"""PDFs in scripts that the font of a document lacks."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.conf import settings

from activity.reports.paper import Paper
from tests.support.pdf_text import lines_of_pages

NOW = datetime(2026, 11, 29, tzinfo=UTC)
FONTS = [Path(settings.NODE_MODULES, f"@fontsource-variable/noto-sans-{family}") for family in ("sc", "kr")]


@pytest.mark.skipif(not all(folder.is_dir() for folder in FONTS), reason="The fonts are not installed.")
def test_chinese_japanese_and_korean_are_written():
    names = ["你好世界", "日本語のアプリ", "한국어 앱", "Привет 世界"]
    paper = Paper("你好", "株式会社", NOW)
    paper.rows(("Name", "Spend"), [(name, "$1.00") for name in names], ("Total", "$4.00"))
    assert not paper.lost
    lines = ["".join(texts) for page in lines_of_pages(paper.finished()) for texts in page]
    assert [line for line in lines if "$1.00" in line] == [f"{name}$1.00" for name in names]


def test_a_document_loads_a_limited_number_of_fonts(monkeypatch):
    monkeypatch.setattr("activity.reports.paper.MOST_SLICES", 0)
    paper = Paper("你好", "", NOW)
    assert paper.lost and lines_of_pages(paper.finished())
