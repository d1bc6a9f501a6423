"""Documents that become text before they go along with a question: any encoding, code, office documents."""

import base64
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.chat.chatroom import QUICK, OpenRoom, Room, chatroom, choose_file, people, room
from tests.browser.chat.files.sample_files import OPEN, PRESENTATION, open_document, zipped
from tests.browser.people import Person, enter
from tests.support.processes import Site

__all__ = ["chatroom", "people", "room"]

PREPARE = """async ({ name, type, encoded }) => {
    const { prepare } = await import("chat/files/files");
    const bytes = Uint8Array.from(atob(encoded), (letter) => letter.charCodeAt(0));
    try {
        const { blob, ...record } = await prepare(new File([bytes], name, { type }));
        return { ...record, text: record.kind === "text" ? await blob.text() : null };
    } catch (error) {
        return { error: error.message };
    }
}"""
W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
S = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
R = 'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'
BODY = """
<w:p><w:pPr><w:pStyle w:val="Heading1"/><w:tabs><w:tab w:val="left"/></w:tabs></w:pPr><w:r><w:t>Plan</w:t></w:r></w:p>
<w:p><w:r><w:t xml:space="preserve">Buy </w:t></w:r><w:r><w:t>flour</w:t><w:tab/><w:t>&lt;2 kg&gt;</w:t></w:r>
<w:del><w:r><w:delText>salt</w:delText></w:r></w:del></w:p>
<w:p><w:pPr><w:numPr/></w:pPr><w:r><w:t>First</w:t></w:r></w:p>
<w:p><w:pPr><w:pStyle w:val="ListBullet"/></w:pPr><w:r><w:t>Second</w:t></w:r></w:p>
<w:tbl><w:tr><w:tc><w:p><w:r><w:t>A|B</w:t></w:r></w:p></w:tc><w:tc><w:p/></w:tc></w:tr></w:tbl>
<w:sdt><w:sdtContent><w:p><w:r><w:t>Ünder</w:t></w:r></w:p></w:sdtContent></w:sdt>"""
WORKBOOK = (
    f"""<workbook {S} {R}><sheets><sheet name="Costs" r:id="r1"/><sheet name="Dates" r:id="r2"/></sheets></workbook>"""
)
LINKS = """<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">
<Relationship Id="r1" Target="worksheets/one.xml"/>
<Relationship Id="r2" Target="/xl/worksheets/two.xml"/>
</Relationships>"""
STRINGS = f"""<sst {S}><si><t>Item, big</t></si><si><r><t>Pri</t></r><r><t>ce</t></r><rPh><t>no</t></rPh></si></sst>"""
STYLES = f"""<styleSheet {S}><numFmts><numFmt numFmtId="170" formatCode="yyyy\\-mm"/></numFmts>
<cellStyleXfs><xf numFmtId="14"/></cellStyleXfs>
<cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="170"/></cellXfs></styleSheet>"""
ONE = f"""<worksheet {S}><sheetData>
<row r="1"><c r="A1" t="s"><v>0</v></c><c r="C1" t="s"><v>1</v></c></row>
<row r="2"><c r="A2" t="inlineStr"><is><t>say "hi"</t></is></c><c r="B2"><f>1+1</f><v>2</v></c>
<c r="C2" t="b"><v>1</v></c>
<c r="D2"><f>A1&amp;B1</f></c></row>
</sheetData></worksheet>"""
TWO = f"""<worksheet {S}><sheetData><row><c r="A1" s="1"><v>45717</v></c><c r="B1" s="2"><v>45717.5</v></c>
<c r="C1"><v>45717</v></c>
</row></sheetData></worksheet>"""


def word(body: str, head: str = "", **options: Any) -> bytes:
    document = f'<?xml version="1.0"?>{head}<w:document {W}><w:body>{body}</w:body></w:document>'
    return zipped({"word/document.xml": document}, **options)


SHEETS = {
    "xl/workbook.xml": WORKBOOK,
    "xl/_rels/workbook.xml.rels": LINKS,
    "xl/sharedStrings.xml": STRINGS,
    "xl/styles.xml": STYLES,
    "xl/worksheets/one.xml": ONE,
    "xl/worksheets/two.xml": TWO,
}
TABLES = '# Costs\n\n"Item, big",,Price\n"say ""hi""",2,TRUE,=A1&B1\n\n# Dates\n\n2025-03-01,2025-03-01 12:00:00,45717'
SLIDES = "--- slide 1 ---\nTitle\nA & B\n| x | y |\n| --- | --- |\n\nNotes: Say hello\n\n--- slide 2 ---\nThe end"
PLAN = "# Plan\n\nBuy flour\t<2 kg>\n\n- First\n\n- Second\n\n| A\\|B |  |\n| --- | --- |\n\nÜnder"


@pytest.fixture(scope="module")
def page(chatroom: Site, people: dict[str, Person], browser: Browser) -> Iterator[Page]:
    context = browser.new_context()
    page = context.new_page()
    enter(page, chatroom, people["alice"], "/chat")
    Room(page).expect_ready()
    yield page
    context.close()


def prepared(page: Page, name: str, content: bytes, type: str = "") -> dict[str, Any]:  # noqa: A002
    record: dict[str, Any] = page.evaluate(
        PREPARE, {"name": name, "type": type, "encoded": base64.b64encode(content).decode()}
    )
    return record


@pytest.mark.parametrize(
    ("name", "content", "said", "text"),
    [
        ("a.txt", "Grüße, 北京".encode(), "text/plain", "Grüße, 北京"),
        ("a.txt", "\ufeffGrüße".encode(), "text/plain", "Grüße"),
        ("a.csv", "Grüße;1\r\n".encode("utf-16"), "application/vnd.ms-excel", "Grüße;1\r\n"),
        ("a.txt", b"\xfe\xff" + "北京".encode("utf-16-be"), "", "北京"),
        ("a.txt", "Grüße – “5 €”".encode("cp1252"), "", "Grüße – “5 €”"),
        ("a.txt", "Grüße, no mark".encode("utf-16-le"), "", "Grüße, no mark"),
        ("a.txt", "Grüße, no mark".encode("utf-16-be"), "", "Grüße, no mark"),
        ("a.ts", b"let a = 1;", "video/mp2t", "let a = 1;"),
        ("Makefile", b"all:\n\ttrue", "application/octet-stream", "all:\n\ttrue"),
        ("a.log", b"\x1b[31mred\x1b[0m", "", "\x1b[31mred\x1b[0m"),
        ("a.svg", b"<svg/>", "image/svg+xml", "<svg/>"),
        ("a.docx", word(BODY), "application/vnd.openxmlformats-officedocument.wordprocessingml.document", PLAN),
        ("a.docx", word(BODY, method=zipfile.ZIP_STORED), "", PLAN),
        (
            "a.xlsx",
            zipped(SHEETS),
            "",
            TABLES,
        ),
        ("a.pptx", PRESENTATION, "", SLIDES),
        ("a.odt", OPEN["odt"], "", "## Plan\n\nBuy  flour\tnow\n\n- One"),
        ("a.ods", OPEN["ods"], "", ',,"x,y"'),
    ],
)
def test_a_document_becomes_text(page: Page, name: str, content: bytes, said: str, text: str):
    record = prepared(page, name, content, said)
    assert (record.get("kind"), record.get("text")) == ("text", text), record
    assert record["type"].startswith("text/")
    assert record["size"] == len(text.encode())


def test_a_pdf_is_known_by_its_first_bytes(page: Page):
    record = prepared(page, "scan", b"%PDF-1.7\n...")
    assert (record["kind"], record["type"]) == ("pdf", "application/pdf")


@pytest.mark.parametrize(
    ("language", "encoding", "text"),
    [
        ("ja", "shift_jis", "日本語のメモ"),
        ("zh-CN", "gb18030", "北京的笔记"),
        ("zh-TW", "big5", "臺北的筆記"),
        ("ru-RU", "cp1251", "Заметки"),
        ("de-DE", "cp1252", "Grüße – “5 €”"),
    ],
)
def test_text_of_before_utf_8_is_read_as_usual_in_the_browsers_language(
    page: Page, language: str, encoding: str, text: str
):
    read = "async ([bytes, language]) => (await import('chat/files/decoding')).decoded(new Uint8Array(bytes), language)"
    assert page.evaluate(read, [list(text.encode(encoding)), language]) == text


def test_a_name_has_no_hidden_characters(page: Page):
    record = prepared(page, "fdp.\u202etxt.exe\x07\u200f" + "a" * 300 + ".txt", b"hi")
    assert record["name"].startswith("fdp.txt.exeaaa") and record["name"].endswith("aaa.txt")
    assert len(record["name"]) == 120


def test_office_documents_are_read_outside_of_the_page(page: Page):
    with page.expect_worker() as reading:
        assert prepared(page, "a.xlsx", zipped(SHEETS))["text"] == TABLES
    assert "files/office/worker" in reading.value.url


SHEET_BOMB = open_document(
    "<office:spreadsheet><table:table><table:table-row><table:table-cell table:number-columns-repeated='999999999'/>"
    "<table:table-cell><text:p>x</text:p></table:table-cell></table:table-row></table:table></office:spreadsheet>"
)
DEEP = open_document("<office:text>" + "<text:section>" * 50_000 + "</text:section>" * 50_000 + "</office:text>")
LONG_TEXT = f"<w:p><w:r><w:t>{'a' * 700_000}</w:t></w:r></w:p>"
SHARED_CELL = '<c t="s"><v>0</v></c>'
SHARED = {
    **SHEETS,
    "xl/sharedStrings.xml": f"<sst {S}><si><t>{'b' * 30_000}</t></si></sst>",
    "xl/worksheets/one.xml": f"<worksheet {S}><row>{SHARED_CELL * 1000}</row></worksheet>",
}


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("a.bin", b"\x00\x01\x02\xff", "isn't supported. Attach an image, a PDF, an Office document"),
        ("a.txt", b"a" * 600_001, "is larger than 600 kB"),
        ("a.txt", b"a" * 1_300_000, "is larger than 600 kB"),
        ("a.txt", "ü".encode("cp1252") * 400_000, "is larger than 600 kB"),
        ("a.doc", b"\xd0\xcf\x11\xe0" + bytes(2_000_000), "is protected or in an old format"),
        ("a.zip", zipped({"a.txt": "a"}), "isn't supported. Attach the files in it one by one"),
        ("a.docx", word(BODY)[:-30], "can't be read. It may be damaged."),
        ("a.docx", word("<w:p>"), "can't be read"),
        ("a.docx", zipped({"other.xml": "<a/>"}), "can't be read"),
        ("a.docx", word("<w:p><w:r><w:t>&e;</w:t></w:r></w:p>", '<!DOCTYPE d [<!ENTITY e "x">]>'), "can't be read"),
        ("a.docx", word("<w:p/>"), "has no text"),
        ("a.docx", word(LONG_TEXT), "has more than 600 kB of text"),
        ("a.docx", word("<w:p/>" + " " * 30_000_000), "has more than 600 kB of text"),
        ("a.txt", b"", "a.txt is empty"),
        ("a.txt", b"MZ\x90\x00\x03\x00\x00\x00\x04\x00\xff\xff" * 50, "isn't supported"),
        ("a.ods", SHEET_BOMB, "has more than 600 kB of text"),
        ("a.odt", DEEP, "can't be read"),
        ("a.xlsx", zipped(SHARED), "has more than 600 kB of text"),
    ],
)  # fmt: skip
def test_a_document_that_cannot_be_read_is_refused_with_the_reason(
    page: Page, name: str, content: bytes, complaint: str
):
    assert complaint in prepared(page, name, content).get("error", "")


def test_a_word_document_goes_along_as_text(room: OpenRoom):
    chat = room(sandbox=QUICK)
    choose_file(chat.page, "#attach", {"name": "plan.docx", "mimeType": "application/zip", "buffer": word(BODY)})
    expect(chat.page.locator("#attachments li")).to_have_text("plan.docx")
    chat.ask("Summarize")
    assert chat.asked[0]["messages"][0]["content"] == f"plan.docx:\n```\n{PLAN}\n```\n\nSummarize"
