"""PDFs in scripts that the font of a document lacks."""

import unicodedata
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.conf import settings

from activity.reports.fonts import slices_of
from activity.reports.paper import Paper
from tests.support.pdf_text import lines_of_pages

NOW = datetime(2026, 11, 29, tzinfo=UTC)
NAMES = {
    "arabic": "مُحَمَّد مفتاح الإنتاج",
    "persian": "می‌خواهم نرم‌افزار",
    "hebrew": "שָׁלוֹם עולם",
    "thaana": "ދިވެހި ތަޅުދަނޑި",
    "devanagari": "क्षत्रिय हिन्दी कुंजी",
    "bengali": "র‍্যাব ক্ষুদ্র বাংলা",
    "gurmukhi": "ਪੰਜਾਬੀ ਕੁੰਜੀ",
    "gujarati": "ગુજરાતી કી ક્ષ",
    "oriya": "ଓଡିଆ କି",
    "tamil": "தமிழ் கொள்கை",
    "telugu": "తెలుగు కీ క్ష్మ",
    "kannada": "ಕನ್ನಡ ಕೀಲಿ ಕ್ಷ",
    "malayalam": "മലയാളം താക്കോൽ",
    "sinhala": "සිංහල යතුර ශ්‍රී",
    "thai": "ข้อมูลผู้ใช้ น้ำ",
    "lao": "ພາສາລາວ ກະແຈ",
    "khmer": "ភាសាខ្មែរ កូនសោ",
    "myanmar": "မြန်မာ သော့ ကြွှေ",
    "armenian": "Հայերեն բանալի",
    "georgian": "ქართული გასაღები",
    "ethiopic": "አማርኛ ቁልፍ",
    "vietnamese": "Nguyễn Đặng Ước",
}
EAST_ASIAN = ["你好世界", "日本語のアプリ", "한국어 앱", "Привет 世界"]
ARE_INSTALLED = all(
    any(each.file.is_file() for each in slices_of(char, Path(settings.NODE_MODULES)))
    for char in {name[0] for name in NAMES.values()} - {"N"} | {"世", "한"}
)
needs_fonts = pytest.mark.skipif(not ARE_INSTALLED, reason="The fonts are not installed.")


def written(*names):
    """Return a document with these names, and what is read of each: its texts from the left."""
    paper = Paper("Usage", "Company", NOW)
    paper.rows(("Name", "Spend"), [(name, "$1.00") for name in names], ("Total", "$4.00"))
    lines = [texts for page in lines_of_pages(paper.finished()) for texts in page]
    return paper, [texts[:-1] for texts in lines if texts[-1] == "$1.00"]


@needs_fonts
def test_chinese_japanese_and_korean_are_written():
    paper, names = written(*EAST_ASIAN)
    assert not paper.lost and ["".join(texts) for texts in names] == EAST_ASIAN


@needs_fonts
def test_names_in_scripts_that_need_shaping_are_read_as_they_were_written():
    paper, names = written(*NAMES.values())
    assert not paper.lost
    read = dict(zip(NAMES, ("".join(texts) for texts in names), strict=True))
    assert read == {script: unicodedata.normalize("NFC", name) for script, name in NAMES.items()}


@needs_fonts
def test_letters_take_the_shapes_of_their_places():
    paper, _ = written("ببب", "क्षि")
    carriers: dict[str, set[int]] = {}
    for name in paper.fonts.keys() - {"liberation", "liberationB"}:
        for glyph, _code in paper.fonts[name].subset.items():
            carriers.setdefault("".join(map(chr, glyph.unicode)), set()).add(glyph.glyph_id)
    assert len(carriers["ب"]) == 3  # at the start, within and at the end
    assert "क" in carriers and "्षि" in carriers  # the vowel's sign and the conjunct: two glyphs for four characters


@needs_fonts
def test_mixed_names_stand_in_the_order_of_their_first_letter():
    _, names = written("Prod مفتاح v2 (اختبار)", "مفتاح Prod", "123 {nb} مفتاح")
    assert names == [
        ["Prod ", "مفتاح", " ", "v2 (", "اختبار", ")"],
        ["Prod", "مفتاح "],
        ["123 {nb} ", "مفتاح"],
    ]


@needs_fonts
@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("\u202egnp.exe \u2066x\u2069", "gnp.exe x"),
        ("\u200b\u200d" * 5000 + "مرحبا", "مرحبا"),
        ("ب" + "\u064e" * 9999, "ب" + "\u064e" * 6),
        ("ا" * 10_000, None),
        ("( - " * 2500 + "م", None),
        ("कि" * 5000, None),
        ("م😀\U0010fffd", "م??"),
    ],
)
def test_hostile_names_are_cut_to_what_can_be_read(name, read):
    paper, [texts] = written(name)
    assert paper.lost == ("?" in (read or ""))
    if read is None:
        shown = "".join(text for text in texts if text != "...").removesuffix("...")
        assert len(shown) > 20 and name.startswith(shown) and not unicodedata.category(name[len(shown)]).startswith("M")
    else:
        assert "".join(reversed(texts) if "م" in texts[-1] else texts) == read


def test_a_document_loads_a_limited_number_of_fonts(monkeypatch):
    monkeypatch.setattr("activity.reports.lines.MOST_SLICES", 0)
    paper = Paper("你好", "", NOW)
    assert paper.lost and lines_of_pages(paper.finished())


@needs_fonts
def test_signs_of_several_scripts_load_no_further_font():
    paper, names = written("বাংলা। র‍্যাব")
    assert len(names) == 1 and len(paper.fonts) == 3  # regular, bold and Bengali
