"""Every email of ours has two parts that say the same, an ID at the site's host, and links to this site only."""

import re
from html.parser import HTMLParser

import pytest
from django.core import mail as outbox
from django.test import Client

from billing import tasks
from billing.notifications import outbox as notices
from common.email import mail


class Links(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.loaded: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if tag == "a":
            self.found.append(given["href"])
        elif tag != "html" and (given.keys() & {"src", "href", "background", "style"}):
            self.loaded.append(tag)


def html_of(message) -> str:
    [(html, kind)] = message.alternatives
    assert kind == "text/html"
    return str(html)


def texts(html: str) -> str:
    body = re.sub(r"(?s)<style>.*?</style>|<title>.*?</title>", "", html)
    return " ".join(re.sub(r"<[^>]+>", " ", body).split())


@pytest.fixture(autouse=True)
def address(settings) -> str:
    settings.SITE_URL = "https://gateway.example.com"
    return settings.SITE_URL


def test_the_html_says_what_the_text_says_and_loads_nothing(address):
    text = f"Hello.\nSecond line.\n\nOpen this:\n{address}/a/b?c=d&e=f\n\nOr {address}/x.\n\n--\nThe site\n{address}\n"
    message = mail.build("A subject", text, ["alice@example.com"])
    html = html_of(message)
    links = Links(html)
    assert links.found == [f"{address}/a/b?c=d&e=f"] * 2 + [f"{address}/x", address]
    assert links.loaded == [] and "url(" not in html and "@import" not in html
    assert "Hello.<br>Second line." in html and "--" not in texts(html)
    for word in text.replace("\n--\n", " ").split():
        assert word.rstrip(".").replace("&", "&amp;") in texts(html)
    assert message.body == text
    assert message.message()["Content-Type"].startswith("multipart/alternative")


def test_a_strangers_text_is_neither_a_link_nor_html(address):
    hostile = (
        "From: 192.0.2.1, http://evil.example/reset evil.example mailto:x@evil.example <img src=http://evil.example/>"
        f" {address}.evil.example/ {address}@evil.example/ {address}:80@evil.example/ javascript:alert(1)"
    )
    html = html_of(mail.build("<b>Subject</b>", hostile, ["alice@example.com"]))
    assert all(link == address for link in Links(html).found), Links(html).found
    assert "<img" not in html and "<b>" not in html


def test_ids_are_at_the_sites_host():
    message = mail.build("A subject", "A text", ["alice@example.com"]).message()
    assert re.fullmatch(r"<\S+@gateway\.example\.com>", message["Message-ID"])
    named = mail.build("A subject", "A text", ["alice@example.com"], message_id="incident-5").message()
    assert named["Message-ID"] == "<incident-5@gateway.example.com>"


def test_emails_of_sign_in_and_of_billing_have_both_parts(account, django_capture_on_commit_callbacks, settings):
    settings.SITE_URL = "http://testserver"
    Client().post("/account/password/reset/", {"email": "alice@example.com"})
    notices.enqueue(account, lambda _: ("About money", "You have some."))
    tasks.deliver_notices()
    reset, money = outbox.outbox
    for message in (reset, money):
        assert "@testserver>" in message.message()["Message-ID"]
        assert texts(html_of(message))
    [link] = {link for link in Links(html_of(reset)).found if "/password/reset/key/" in link}
    assert link in reset.body
    assert Client().get(link, follow=True).status_code == 200
