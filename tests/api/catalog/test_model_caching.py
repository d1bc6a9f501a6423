"""Caching and compression of `/api/v1/models`, and pages of other sites that read it."""

import brotli
import pytest
from django.test import Client

from models_catalog import catalog
from models_catalog.models import Model


def test_a_client_that_has_the_list_gets_304_until_the_catalogue_changes(shop):
    client = Client()
    first = client.get("/api/v1/models")
    assert first["Cache-Control"] == "public, max-age=60, stale-while-revalidate=300"
    assert "Accept-Encoding" in first["Vary"] and "Cookie" not in first["Vary"]
    again = client.get("/api/v1/models", headers={"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", first["ETag"])
    assert client.get("/api/v1/models", headers={"If-None-Match": f'"x", {first["ETag"]}'}).status_code == 304
    assert client.get("/api/v1/models?q=small", headers={"If-None-Match": first["ETag"]}).status_code == 200
    Model.objects.filter(id="acme/small").update(hidden=True)
    catalog.touch()
    assert client.get("/api/v1/models", headers={"If-None-Match": first["ETag"]}).status_code == 200


def test_reading_the_list_again_costs_no_query(shop, django_assert_num_queries):
    client = Client()
    client.get("/api/v1/models")
    with django_assert_num_queries(0):
        assert client.get("/api/v1/models").json()["total_count"] == 4


def test_the_list_is_compressed_for_those_who_can_read_it(bundled):
    plain = Client().get("/api/v1/models")
    squeezed = Client(headers={"Accept-Encoding": "br, gzip"}).get("/api/v1/models")
    assert squeezed["Content-Encoding"] == "br" and "Content-Encoding" not in plain
    assert brotli.decompress(squeezed.content) == plain.content
    assert len(squeezed.content) < len(plain.content) / 8
    assert squeezed["ETag"] == plain["ETag"]


def test_head_says_what_get_would(shop):
    got, head = Client().get("/api/v1/models"), Client().head("/api/v1/models")
    assert (head.status_code, head.content) == (200, b"")
    assert (head["ETag"], head["Content-Length"]) == (got["ETag"], str(len(got.content)))
    assert Client().head("/api/v1/model/acme/huge").status_code == 404


@pytest.mark.parametrize(
    "path", ["/models", "/models/count", "/model/acme/large", "/providers", "/models?limit=x", "/model/a/b"]
)
def test_other_sites_may_read_it(shop, path):
    assert (
        Client(headers={"Origin": "https://other.example"}).get(f"/api/v1{path}")["Access-Control-Allow-Origin"] == "*"
    )


def test_a_browsers_question_before_the_request_is_answered(shop):
    response = Client().options("/api/v1/models")
    assert response.status_code == 204
    assert "Authorization" in response["Access-Control-Allow-Headers"]
    assert response["Access-Control-Allow-Methods"] == "GET, HEAD, OPTIONS"


def test_nothing_can_be_posted_to_it(shop):
    assert Client().post("/api/v1/models", {}, content_type="application/json").status_code == 405
