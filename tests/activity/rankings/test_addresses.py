"""Addresses and titles that strangers send."""

import pytest

from activity.rankings.apps.addresses import slug_of, title_of


@pytest.mark.parametrize(
    ("address", "slug"),
    [
        ("https://cline.bot/", "cline.bot"),
        ("http://www.Notes.example.com:8080/chat/private-1?x=y#z", "notes.example.com"),
        ("https://github.com/Acme/CLI/tree/main", "github.com/acme/cli"),
        ("https://bücher.de", "xn--bcher-kva.de"),
        ("https://аррlе.com/", "xn--l-7sbq6ba.com"),  # Cyrillic letters
        ("https://t.co.", "t.co"),
    ],
)
def test_an_address_is_known_by_its_host(address, slug):
    assert slug_of(address) == slug


@pytest.mark.parametrize(
    "address",
    [
        "", "myapp", "cline.bot", "javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "ftp://example.com",
        "https://", "https:///x", "http://localhost:3000", "http://app.localhost", "https://printer.local",
        "http://intranet", "https://db.internal", "http://127.0.0.1", "http://10.0.0.1/", "http://[::1]/", "http://2130706433",
        "http://0x7f.1", "https://user:secret@example.com", "https://example.com\\@evil.com", "https://exa mple.com",
        "https://example.com/\u202e", "https://exam\x00ple.com", "https://-x.com", "https://a..com", "https://xn--.com:x",
        "https://github.com/acme", "https://github.com/acme/<b>", "https://[", "https://" + "a" * 64 + ".com",
        "https://" + "abcdefghi." * 13 + "com", "https://example.com:99999999/x\n",
    ],
)  # fmt: skip
def test_other_addresses_name_no_app(address):
    assert slug_of(address) is None


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        ("Cline", "Cline"),
        ("  Open   WebUI ", "Open WebUI"),
        ("Заметки", "Заметки"),
        ("メモ", "メモ"),
        ("Next.js chat", "Next.js chat"),
        ("Cline.bot", "Cline.bot"),
        ("Ｃline", "Cline"),
        ("<b>Bold</b>", "<b>Bold</b>"),  # a text as any other: pages escape it
    ],
)
def test_a_title_is_shown_as_sent(title, shown):
    assert title_of(title, "cline.bot") == shown


@pytest.mark.parametrize(
    "title",
    [
        "", "…", "Сline", "a\u202eb", "zero\u200bwidth", "a\x00b", "openai.com", "see https://x.com", "x" * 61,
        "a\u0301\u0301\u0301\u0301",
    ],
)  # fmt: skip
def test_a_title_that_could_mislead_is_not_shown(title):
    assert title_of(title, "cline.bot") == ""
