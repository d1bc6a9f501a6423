"""The search in the documentation."""

import pytest
from django.test import Client

from documentation.library import current
from documentation.search import found

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("query", "url"),
    [
        ("streaming", "/docs/streaming"),
        ("rate limits", "/docs/faq#how-are-rate-limits-calculated"),
        ("rotate key", "/docs/api-reference/keys#rotate-an-api-key"),
        ("X-Title", "/docs/app-attribution"),
        ("volume discounts", "/docs/volume#volume-discounts"),
        ("createKeys nonsense", None),
        ("", None),
        ("% _ '", None),
    ],
)
def test_the_section_that_is_looked_for_is_among_the_first(query, url):
    urls = [hit.url for hit in found(current(), query)]
    assert (url in urls[:5]) if url else urls == []


def test_every_word_must_be_there_and_hits_are_marked():
    hits = found(current(), "GRACE secret")
    assert hits and all("<mark>" in hit.excerpt for hit in hits[:1])
    assert len(found(current(), "the")) == 20


def test_the_page_works_without_scripts(client: Client):
    html = client.get("/docs/search", {"q": "fallback models"}).content.decode()
    assert 'href="/docs/models#fallback-models"' in html and '<form class="row" action="/docs/search"' in html
    assert "Use fewer words" in client.get("/docs/search", {"q": "xyzzy"}).content.decode()
    assert "Enter a word" in client.get("/docs/search").content.decode()


def test_while_typing_only_the_list_is_sent(client: Client):
    html = client.get("/docs/search", {"q": "fallback"}, headers={"HX-Request": "true"}).content.decode()
    assert "docs-hits" in html and "<html" not in html
    assert "HX-Request" in client.get("/docs/search", {"q": "fallback"})["Vary"]
    assert client.get("/docs/search", {"q": " "}, headers={"HX-Request": "true"}).content.strip() == b""


def test_a_hostile_query_is_text(client: Client):
    response = client.get("/docs/search", {"q": "<script>alert(1)</script>\x00" + "x" * 5000})
    assert response.status_code == 200 and b"<script>alert" not in response.content
    assert "<img" not in found(current(), "curl")[0].excerpt
