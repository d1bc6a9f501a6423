"""Pages of any site may call every path of the API."""

import re

import httpx
import pytest
from django.test import Client

from api.router import api as described
from gateway import asgi
from tests.wire import check

from .paths import django_paths

ORIGIN = {"Origin": "https://app.example"}
SENT = ("authorization", "content-type", "http-referer", "x-title", "x-api-key")


def filled(paths: set[str]) -> list[str]:
    """The paths with their parameters filled in."""
    return sorted(re.sub(r"[<{][^>}]*[>}]", "x", path) for path in paths)


def is_open(headers) -> bool:
    return (
        headers["Access-Control-Allow-Origin"] == "*"
        and "X-Generation-Id" in headers["Access-Control-Expose-Headers"]
        and "Access-Control-Allow-Credentials" not in headers
    )


def answers_preflight(headers) -> bool:
    allowed = {name.strip().lower() for name in headers["Access-Control-Allow-Headers"].split(",")}
    return headers["Access-Control-Allow-Origin"] == "*" and set(SENT) | {"*"} <= allowed


def test_the_walk_covers_what_the_document_describes(db):
    paths = set(described.get_openapi_schema(path_prefix="/api/v1/")["paths"])
    walked = filled(django_paths() | asgi.PATHS)
    assert set(filled(paths)) <= set(walked) and len(walked) > 15


@pytest.mark.parametrize("path", filled(django_paths()))
def test_a_path_of_the_management_api(db, path):
    asked = Client(headers=ORIGIN | {"Access-Control-Request-Method": "GET"}).options(path)
    assert asked.status_code == 204 and asked.content == b""
    assert answers_preflight(asked.headers)
    methods = asked["Access-Control-Allow-Methods"].split(", ")
    assert "OPTIONS" in methods and len(methods) > 1
    for method in ("GET", "POST", "PATCH", "PUT", "DELETE"):  # served, refused, unknown and not allowed
        answered = Client(headers=ORIGIN).generic(method, path)
        assert is_open(answered.headers), (method, path)
        assert (answered.status_code == 405) == (method not in methods)


@pytest.mark.parametrize("path", ["/api/v1", "/api/v1/", "/api/v1/none", "/api/none"])
def test_an_unknown_path(db, path):
    assert is_open(Client(headers=ORIGIN).get(path).headers)


@pytest.mark.parametrize("path", sorted(asgi.PATHS))
async def test_a_path_of_inference(db, path):
    transport = httpx.ASGITransport(asgi.application)
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver", headers=ORIGIN) as client:
        asked = await client.options(path)
        assert asked.status_code == 204 and answers_preflight(asked.headers)
        assert asked.headers["Access-Control-Allow-Methods"] == "POST, OPTIONS"
        for method in ("POST", "GET", "DELETE"):
            assert is_open((await client.request(method, path)).headers), method


def test_an_error_of_the_site_itself(db, monkeypatch):
    def fail():
        raise RuntimeError

    monkeypatch.setattr("models_catalog.catalog.current", fail)
    answered = Client(raise_request_exception=False).get("/api/v1/models", headers=ORIGIN)
    assert answered.status_code == 500 and is_open(answered.headers)
    check("GET /models", 500, answered.json())
