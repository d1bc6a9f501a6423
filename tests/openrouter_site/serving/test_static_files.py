"""Static files come from WhiteNoise without Django; everything else goes on to Django."""

import re
from collections.abc import AsyncIterator
from email.utils import formatdate
from pathlib import Path

import httpx
import pytest
from django.conf import settings as django_settings
from django.test import Client
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp

from openrouter_site.serving import static_files
from openrouter_site.serving.static_files import StaticFiles

BASE = Path(django_settings.BASE_DIR, "static/css/base.css").read_bytes()


def client_of(app: ASGIApp, url: str = "http://testserver") -> httpx.AsyncClient:
    # Without a coding unless a test names one.
    headers = {"Accept-Encoding": "identity"}
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=url, headers=headers)


def content(folder: Path, name: str) -> bytes:
    return (folder / name).read_bytes()


@pytest.fixture
async def application() -> AsyncIterator[httpx.AsyncClient]:
    """The whole application, as in development: files are found in their folders."""
    from openrouter_site.asgi import application

    async with client_of(application) as client:
        yield client


@pytest.fixture
async def production(collected: dict[str, str], settings) -> AsyncIterator[httpx.AsyncClient]:
    """The collected files alone. Anything else is a 404 of the application behind."""
    settings.WHITENOISE_USE_FINDERS = settings.WHITENOISE_AUTOREFRESH = False
    async with client_of(StaticFiles(PlainTextResponse("behind", 404))) as client:
        yield client


# --- In production


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("gzip, deflate, br", "br"),
        ("gzip", "gzip"),
        ("br;q=0, gzip", "gzip"),
        ("br;q=0", None),
        ("gzip;q=0, br;q=0, *", None),
        ("*", "br"),
        ("", None),
    ],
)
async def test_a_file_comes_as_the_client_prefers(production, collected, settings, accepted: str, coding: str | None):
    name = collected["css/base.css"]
    async with production.stream("GET", f"/static/{name}", headers={"Accept-Encoding": accepted}) as response:
        sent = b"".join([part async for part in response.aiter_raw()])
    assert response.status_code == 200 and response.headers.get("Content-Encoding") == coding
    assert response.headers["Vary"] == "Accept-Encoding"
    suffix = {"br": ".br", "gzip": ".gz", None: ""}[coding]
    assert sent == content(settings.STATIC_ROOT, name + suffix)
    assert int(response.headers["Content-Length"]) == len(sent)


async def test_only_a_name_with_a_hash_is_kept_forever(production, collected):
    hashed = await production.get(f"/static/{collected['css/base.css']}")
    plain = await production.get("/static/css/base.css")
    assert hashed.headers["Cache-Control"] == "max-age=315360000, public, immutable"
    assert plain.headers["Cache-Control"] == "max-age=60, public" and plain.content == BASE


async def test_a_file_that_the_client_has_is_not_sent_again(production):
    first = await production.get("/static/css/base.css")
    etag, changed = first.headers["ETag"], first.headers["Last-Modified"]
    for condition in ({"If-None-Match": etag}, {"If-Modified-Since": changed}):
        again = await production.get("/static/css/base.css", headers=condition)
        assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", etag)
    for condition in ({"If-None-Match": '"another"'}, {"If-Modified-Since": formatdate(0, usegmt=True)}):
        assert (await production.get("/static/css/base.css", headers=condition)).content == BASE


async def test_head_part_and_wrong_method(production):
    head = await production.head("/static/css/base.css")
    assert (head.status_code, head.content, int(head.headers["Content-Length"])) == (200, b"", len(BASE))
    part = await production.get("/static/css/base.css", headers={"Range": "bytes=5-104"})
    assert (part.status_code, part.content) == (206, BASE[5:105])
    assert part.headers["Content-Range"] == f"bytes 5-104/{len(BASE)}"
    beyond = await production.get("/static/css/base.css", headers={"Range": f"bytes={len(BASE)}-"})
    assert beyond.status_code == 416
    refused = await production.post("/static/css/base.css")
    assert (refused.status_code, refused.headers["Allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize("size", [0, 1, 999, 1000, 1001, 2000, 2500])
async def test_a_file_larger_than_a_chunk_arrives_whole(settings, tmp_path: Path, monkeypatch, size: int):
    monkeypatch.setattr(static_files, "CHUNK_BYTES", 1000)
    sent = bytes(number % 251 for number in range(size))
    (tmp_path / "file.bin").write_bytes(sent)
    settings.STATIC_ROOT = tmp_path
    settings.WHITENOISE_USE_FINDERS = settings.WHITENOISE_AUTOREFRESH = False
    async with client_of(StaticFiles(PlainTextResponse("behind", 404))) as client:
        assert (await client.get("/static/file.bin")).content == sent


@pytest.mark.parametrize(
    "path", ["/static/css/nothing.css", "/static/", "/static/../manage.py", "/static/%2e%2e/manage.py", "/models", "/"]
)
async def test_what_is_no_static_file_goes_on_to_django(production, path: str):
    response = await production.get(path)
    assert (response.status_code, response.text) == (404, "behind")


async def test_a_site_that_redirects_to_https_serves_files_there_only(production, settings):
    settings.SECURE_SSL_REDIRECT = True
    assert (await production.get("/static/css/base.css")).text == "behind"
    assert (await production.get("https://testserver/static/css/base.css")).content == BASE


# --- In development, and with everything around it


async def test_a_file_has_the_headers_of_a_page(application, db):
    file = await application.get("/static/css/base.css")
    page = Client().get("/terms")
    assert file.status_code == 200 and file.headers["Content-Type"].startswith("text/css")
    for name in (
        "X-Content-Type-Options", "X-Frame-Options", "Referrer-Policy", "Permissions-Policy",
        "Cross-Origin-Resource-Policy", "Cross-Origin-Opener-Policy",
    ):  # fmt: skip
        assert file.headers[name] == page[name]
    # In a worker, the policy of its script applies.
    without_nonce = re.sub(r" 'nonce-[^']+'", "", page["Content-Security-Policy"])
    assert set(file.headers["Content-Security-Policy"].split("; ")) == set(without_nonce.split("; "))
    assert file.headers["Access-Control-Allow-Origin"] == "*"


async def test_a_changed_file_is_served_at_once_in_development(settings, tmp_path: Path):
    settings.STATICFILES_DIRS, settings.STATIC_ROOT = [], tmp_path
    settings.WHITENOISE_AUTOREFRESH = True
    app = StaticFiles(PlainTextResponse("behind", 404))
    async with client_of(app) as client:
        assert (await client.get("/static/new.css")).text == "behind"
        for text in ("a {}", "b {}"):
            (tmp_path / "new.css").write_text(text)
            assert (await client.get("/static/new.css")).text == text


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", ["vendor/marked/package.json", "vendor/htmx.js", "vendor/", "css/nothing.css"])
async def test_a_missing_file_is_the_sites_404(application, name: str):
    response = await application.get(f"/static/{name}")
    assert response.status_code == 404 and "Page not found" in response.text
