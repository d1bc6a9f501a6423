"""Variable fonts: their regular weight is made once and kept."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from fontTools.ttLib import TTFont

from activity.reports import fonts
from activity.reports.fonts import regular_weight, slices_of
from activity.reports.paper import Paper
from tests.support.pdf_text import lines_of_pages

NODE_MODULES = Path(django_settings.NODE_MODULES)
VARIABLE = next((each.file for each in slices_of("世", NODE_MODULES) if each.file.is_file()), None)
pytestmark = pytest.mark.skipif(VARIABLE is None, reason="The fonts are not installed.")


@pytest.fixture(autouse=True)
def folder(settings, tmp_path: Path) -> Path:
    settings.DATA_DIR = tmp_path
    return tmp_path / "fonts"


def document(name: str) -> bytes:
    paper = Paper("Usage", "Company", datetime(2026, 11, 29, tzinfo=UTC))
    paper.rows(("Name", "Spend"), [(name, "$1.00")], ("Total", "$1.00"))
    return paper.finished()


def test_the_regular_weight_has_the_same_characters_and_no_axes():
    source, made = TTFont(VARIABLE), TTFont(regular_weight(VARIABLE))
    assert "fvar" in source and "fvar" not in made and made.flavor is None
    assert made.getBestCmap() == source.getBestCmap()
    assert made["OS/2"].usWeightClass == 400


def test_a_second_document_makes_no_font(folder: Path, monkeypatch):
    first = document("你好世界")
    made = {file: file.stat().st_mtime_ns for file in folder.iterdir()}
    monkeypatch.setattr(fonts, "instantiateVariableFont", None)  # a call would fail
    assert document("你好世界") == first
    assert made and made == {file: file.stat().st_mtime_ns for file in folder.iterdir()}
    assert any("你好世界" in "".join(texts) for page in lines_of_pages(first) for texts in page)


def test_a_font_of_one_weight_is_used_as_it_is(folder: Path):
    assert any("ตกลง" in "".join(texts) for page in lines_of_pages(document("ตกลง")) for texts in page)
    assert not folder.exists()


def test_threads_that_need_a_font_at_once_get_one_whole_file(folder: Path):
    with ThreadPoolExecutor(4) as threads:
        made = set(threads.map(regular_weight, [VARIABLE] * 4))
    assert list(folder.iterdir()) == list(made) and len(made) == 1
    assert len(TTFont(made.pop())["glyf"]) == len(TTFont(VARIABLE)["glyf"])


def test_a_new_version_of_a_font_is_another_file(folder: Path, tmp_path: Path):
    updated = tmp_path / VARIABLE.name
    font = TTFont(VARIABLE)
    font["head"].fontRevision += 1
    font.save(updated)
    assert regular_weight(updated) != regular_weight(VARIABLE)
    assert len(list(folder.iterdir())) == 2
