"""Pages and JSON are compressed, unless that could tell a secret or hold up a stream."""

import gzip
import re

import brotli
import pytest
from django.core.management import call_command
from django.http import HttpResponse, StreamingHttpResponse
from django.test import Client, RequestFactory

from keys.models import ApiKey
from openrouter_site.pages.compression import Compression

BOTH = "gzip, deflate, br"


@pytest.mark.parametrize(("accepted", "coding", "decode"), [
    (BOTH, "br", brotli.decompress), ("gzip", "gzip", gzip.decompress), ("br;q=0, gzip", "gzip", gzip.decompress),
])  # fmt: skip
def test_a_page_is_a_fraction_of_its_size(db, client: Client, accepted, coding, decode):
    plain = client.get("/terms")
    response = client.get("/terms", headers={"Accept-Encoding": accepted})
    assert response["Content-Encoding"] == coding
    assert int(response["Content-Length"]) == len(response.content) < len(plain.content) / 2
    pages = [re.sub(rb"[\w+/=-]{16,}", b"", page) for page in (decode(response.content), plain.content)]
    assert pages[0] == pages[1]  # but for nonces and tokens
    for page in (plain, response):
        assert "Accept-Encoding" in page["Vary"]


def test_head_has_the_headers_of_get(db, client: Client):
    response = client.head("/models", headers={"Accept-Encoding": "br"})
    assert (response.status_code, response["Content-Encoding"], response.content) == (200, "br", b"")


@pytest.mark.parametrize("coding", ["br", "gzip"])
def test_the_list_of_models_is_compressed_and_can_be_revalidated(db, client: Client, coding):
    call_command("load_catalogue", verbosity=0)
    response = client.get("/api/v1/models", headers={"Accept-Encoding": coding})
    assert response["Content-Encoding"] == coding and response["ETag"].startswith('W/"')
    unchanged = client.get("/api/v1/models", headers={"Accept-Encoding": coding, "If-None-Match": response["ETag"]})
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    assert "Content-Encoding" not in unchanged and "Accept-Encoding" in unchanged["Vary"]
    assert "Content-Encoding" not in client.get("/api/v1/models", headers={"Accept-Encoding": f"{coding};q=0"})


# --- Nothing secret beside what an attacker can choose


def coding_of(client: Client, method: str, path: str, **options) -> str:
    response = getattr(client, method)(path, headers={"Accept-Encoding": BOTH}, **options)
    assert len(response.content) > 1024
    return response.get("Content-Encoding", "")


def test_a_signed_in_visitors_page_is_compressed_unless_it_repeats_the_request(db, alice_client: Client):
    assert coding_of(alice_client, "get", "/models") == "br"
    assert coding_of(alice_client, "get", "/models?q=chosen-by-an-attacker") == ""
    assert coding_of(alice_client, "get", "/chosen-by/an-attacker") == ""
    assert coding_of(alice_client, "post", "/settings/keys/create", data={"limit": "chosen by an attacker"}) == ""
    assert coding_of(Client(), "get", "/models?q=anything") == "br"  # nothing secret


def test_the_page_that_shows_a_new_key_is_not_compressed(account, alice_client: Client):
    form = alice_client.get("/settings/keys/create")
    fields = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]+)"', form.content.decode()))
    response = alice_client.post(
        "/settings/keys/create", fields | {"name": "laptop"}, headers={"Accept-Encoding": BOTH}
    )
    assert ApiKey.objects.get().name == "laptop" and b"sk-or-v1-" in response.content
    assert "Content-Encoding" not in response


# --- What stays as it is


def through(response, accepted: str = BOTH):
    request = RequestFactory().get("/", headers={"Accept-Encoding": accepted})
    return Compression(lambda _: response)(request)


def test_streams_small_bodies_images_and_ranges_are_untouched():
    large = b"x" * 5000
    for response in (
        StreamingHttpResponse([large], content_type="text/csv"),
        StreamingHttpResponse([large], content_type="text/html"),
        HttpResponse(large, content_type="text/event-stream"),
        HttpResponse(large, content_type="image/png"),
        HttpResponse(b"x" * 1000, content_type="text/html"),
        HttpResponse(large, content_type="text/html", headers={"Content-Range": "bytes 0-4999/9000"}, status=206),
        HttpResponse(large, content_type="text/html", headers={"Content-Encoding": "zstd"}),
    ):
        before = dict(response.headers)
        assert dict(through(response).headers) == before


def test_a_strong_etag_gets_weak_with_the_bytes():
    response = through(HttpResponse(b"x" * 5000, headers={"ETag": '"abc"'}))
    assert (response["ETag"], response["Content-Encoding"]) == ('W/"abc"', "br")
    assert through(HttpResponse(b"x" * 5000, headers={"ETag": '"abc"'}), "")["ETag"] == '"abc"'
