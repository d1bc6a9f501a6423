"""Queries of `/api/v1/models`: filters, pages, and what is refused."""

import pytest

from tests.api.catalog.test_models import error, get


def test_the_list_filters_and_counts_alike(bundled):
    for query in ("", "?q=llama", "?supported_parameters=tools,reasoning&max_price=1", "?output_modalities=image"):
        body = get(f"/models{query}")
        assert get(f"/models/count{query}")["data"]["count"] == body["total_count"] == len(body["data"]) > 0
    assert get("/models?max_price=0")["total_count"] == 27


def test_pages_of_the_list_make_up_the_whole(bundled):
    collected: list[str] = []
    path: str | None = "/models?limit=150&sort=pricing-low-to-high&max_price=5"
    pages = 0
    while path:
        body = get(path)
        collected += [row["id"] for row in body["data"]]
        link = body["links"]["next"]
        path = link.partition("/api/v1")[2] if link else None
        pages += 1
    assert pages == 3
    assert collected == [row["id"] for row in get("/models?sort=pricing-low-to-high&max_price=5")["data"]]


def test_a_page_beyond_the_end_is_empty(shop):
    body = get("/models?offset=100")
    assert (body["data"], body["total_count"], body["links"]["next"]) == ([], 4, None)


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("limit=ten", "limit"),
        ("offset=-1", "offset"),
        ("context=x", "context"),
        ("sort=x", "sort"),
        ("use_rss=perhaps", "use_rss"),
        ("category=knitting", "category"),
        ("q=" + "x" * 10_000, "q"),
    ],
)
def test_a_bad_parameter_is_answered_with_400_and_its_name(shop, query, name):
    refused = error(f"/models?{query}", 400)
    assert refused["message"].startswith(f"{name}: ")
    assert refused["metadata"] == {"error_type": "invalid_request", "parameter": name}


@pytest.mark.parametrize("query", ["q=%25", "q=%00", "q=' OR 1=1 --", "providers=%F0%9F%92%A9", "model_authors=a%00"])
def test_hostile_queries_find_nothing_and_break_nothing(shop, query):
    assert get(f"/models?{query}")["data"] == []


@pytest.mark.parametrize(
    "path",
    [
        "/model/acme/huge",
        "/model/acme/large:nitro",
        "/models/acme/huge",
        "/models/acme/huge/endpoints",
        "/model/acme/%00",
        "/model/a/" + "x" * 5000,
    ],
)
def test_an_unknown_model_is_answered_with_404(shop, path):
    refused = error(path, 404)
    assert refused["metadata"]["error_type"] == "not_found"
    assert "/api/v1/models" in refused["message"]


# --- Caching and other sites ----------------------------------------------------------------------
