"""Small files of each kind that can be attached: PDFs, recordings, Office and OpenDocument files."""

import io
import wave
import zipfile
from collections.abc import Sequence

__all__ = [
    "JAPANESE_PDF",
    "LOCKED_PDF",
    "OPEN",
    "PRESENTATION",
    "file",
    "open_document",
    "pdf",
    "text_page",
    "wav",
    "zipped",
]

_HELVETICA = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"


def file(name: str, content: bytes, media_type: str = "") -> dict[str, object]:
    """A file for a file chooser."""
    return {"name": name, "mimeType": media_type, "buffer": content}


def pdf(pages: Sequence[bytes], font: bytes = _HELVETICA, trailer: bytes = b"") -> bytes:
    """A PDF with these contents of pages, which may use the font F1."""
    kids = b" ".join(b"%d 0 R" % (3 + 2 * at) for at in range(len(pages)))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Count %d /Kids [%s] >>" % (len(pages), kids),
    ]
    for at, content in enumerate(pages):
        objects += [
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents %d 0 R"
            b" /Resources << /Font << /F1 %s >> >> >>" % (4 + 2 * at, font),
            b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content),
        ]
    body = bytearray(b"%PDF-1.7\n")
    offsets = []
    for number, each in enumerate(objects, 1):
        offsets.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, each)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    size = len(objects) + 1
    end = b"xref\n0 %d\n0000000000 65535 f \n%s" % (size, table)
    end += b"trailer << /Size %d /Root 1 0 R %s >>\nstartxref\n%d\n%%%%EOF\n" % (size, trailer, len(body))
    return bytes(body) + end


def text_page(*lines: str) -> bytes:
    """The content of a page with these lines."""
    shown = b" ".join(b"(%s) Tj 0 -16 Td" % line.encode("latin-1") for line in lines)
    return b"BT /F1 12 Tf 36 770 Td " + shown + b" ET"


#: Its text can be read only with one of the character maps that come with PDF.js.
JAPANESE_PDF = pdf(
    [b"BT /F1 12 Tf 72 720 Td <" + "日本語の文書".encode("shift_jis").hex().encode() + b"> Tj ET"],
    b"<< /Type /Font /Subtype /Type0 /BaseFont /HeiseiMin-W3 /Encoding /90ms-RKSJ-H /DescendantFonts ["
    b"<< /Type /Font /Subtype /CIDFontType0 /BaseFont /HeiseiMin-W3"
    b" /CIDSystemInfo << /Registry (Adobe) /Ordering (Japan1) /Supplement 2 >>"
    b" /FontDescriptor << /Type /FontDescriptor /FontName /HeiseiMin-W3 /Flags 4 /FontBBox [0 -200 1000 900]"
    b" /ItalicAngle 0 /Ascent 800 /Descent -200 /CapHeight 700 /StemV 80 >> >>] >>",
)
LOCKED_PDF = pdf(
    [text_page("Hidden")],
    trailer=b"/ID [<00><00>] /Encrypt << /Filter /Standard /V 1 /R 2 /Length 40 /P -4"
    b" /O <" + b"11" * 32 + b"> /U <" + b"22" * 32 + b"> >>",
)


def wav(seconds: float = 0.5, rate: int = 16_000) -> bytes:
    """Silence."""
    target = io.BytesIO()
    with wave.open(target, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(rate)
        sound.writeframes(bytes(2 * int(seconds * rate)))
    return target.getvalue()


def zipped(entries: dict[str, str], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", method) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return target.getvalue()


_LINKS = 'xmlns="http://schemas.openxmlformats.org/package/2006/relationships"'
_P = 'xmlns:a="urn:a" xmlns:p="urn:p" xmlns:r="urn:r"'


def _texts(*lines: str) -> str:
    return "<p:txBody>" + "".join(f"<a:p><a:r><a:t>{line}</a:t></a:r></a:p>" for line in lines) + "</p:txBody>"


_CELL = "<a:tc><a:txBody><a:p><a:r><a:t>{}</a:t></a:r></a:p></a:txBody></a:tc>"
#: Two slides, in another order than their files; the first one with a table and notes.
PRESENTATION = zipped({
    "ppt/presentation.xml": f"<p:presentation {_P}><p:sldIdLst><p:sldId id='256' r:id='r2'/>"
    "<p:sldId id='257' r:id='r1'/></p:sldIdLst></p:presentation>",
    "ppt/_rels/presentation.xml.rels": f"<Relationships {_LINKS}><Relationship Id='r1' Target='slides/slide1.xml'/>"
    "<Relationship Id='r2' Target='slides/slide2.xml'/></Relationships>",
    "ppt/slides/slide1.xml": f"<p:sld {_P}><p:sp>{_texts('The end')}</p:sp></p:sld>",
    "ppt/slides/slide2.xml": f"<p:sld {_P}><p:sp>{_texts('Title', 'A &amp; B')}</p:sp><a:tbl><a:tr>"
    f"{_CELL.format('x')}{_CELL.format('y')}</a:tr></a:tbl></p:sld>",
    "ppt/slides/_rels/slide2.xml.rels": f"<Relationships {_LINKS}>"
    "<Relationship Id='n' Target='../notesSlides/notesSlide1.xml'/></Relationships>",
    "ppt/notesSlides/notesSlide1.xml": f"<p:notes {_P}><p:sp><p:ph type='body'/>{_texts('Say hello')}</p:sp>"
    f"<p:sp><p:ph type='sldNum'/>{_texts('1')}</p:sp></p:notes>",
})  # fmt: skip

_O = 'xmlns:office="urn:o" xmlns:text="urn:t" xmlns:table="urn:b"'
_EMPTY_ROWS = "<table:table-row table:number-rows-repeated='1048000'><table:table-cell/></table:table-row>"


def open_document(body: str) -> bytes:
    """An OpenDocument file with this body."""
    content = f"<office:document-content {_O}><office:body>{body}</office:body></office:document-content>"
    return zipped({"mimetype": "application/vnd.oasis.opendocument", "content.xml": content})


#: A document and a sheet of LibreOffice.
OPEN = {
    "odt": open_document(
        "<office:text><text:tracked-changes><text:p>gone</text:p></text:tracked-changes>"
        "<text:h text:outline-level='2'>Plan</text:h><text:p>Buy<text:s text:c='2'/>flour<text:tab/>now</text:p>"
        "<text:list><text:list-item><text:p>One</text:p></text:list-item></text:list></office:text>"
    ),
    "ods": open_document(
        "<office:spreadsheet><table:table table:name='S'><table:table-row>"
        "<table:table-cell table:number-columns-repeated='2'/><table:table-cell><text:p>x,y</text:p></table:table-cell>"
        f"<table:table-cell table:number-columns-repeated='16000'/></table:table-row>{_EMPTY_ROWS}"
        "</table:table></office:spreadsheet>"
    ),
}
