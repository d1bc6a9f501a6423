"""`POST /api/v1/rerank`: documents by relevance, priced by search unit or by token."""

from typing import Any

import pytest

from gateway.models import Generation, Hold
from tests.wire import check

from . import factory
from .conftest import Api
from .factory import usd

pytestmark = pytest.mark.django_db(transaction=True)

SEARCH = "0.002"  # USD per search unit
TOKEN = "0.00000001"
DOCUMENTS = ["Bananas are yellow fruit.", "Paris is the capital of France.", "The capital of Spain is Madrid."]


@pytest.fixture(autouse=True)
def ranking_catalogue(small_catalogue: None) -> None:
    """`acme/ranks` by search unit at Cohere and another provider, `acme/counts` by token."""
    fields: dict[str, Any] = {"context_length": 4_000, "max_completion_tokens": None, "supported_parameters": []}
    kind = {"output_modalities": ["rerank"], "input_modalities": ["text"], "max_completion_tokens": None}
    by_unit, by_token = factory.new_model("acme/ranks", **kind), factory.new_model("acme/counts", **kind)
    factory.save(
        factory.new_endpoint(by_unit, "cohere", {"prompt": "0", "completion": "0", "request": SEARCH}, **fields),
        factory.new_endpoint(by_unit, "dear", {"prompt": "0", "completion": "0", "request": "0.003"}, **fields),
        factory.new_endpoint(by_token, "cheap", {"prompt": TOKEN, "completion": "0"}, **fields),
    )


async def rank(api: Api, *, fault: str = "", **body: Any) -> Any:
    headers = {"X-Sandbox-Fault": fault} if fault else {}
    request = {
        "model": "acme/ranks",
        "query": "What is the capital of France?",
        "documents": DOCUMENTS,
        "provider": {"order": ["cohere", "dear"]},
        **body,
    }
    response = await api.post("/rerank", json=request, headers=headers)
    check("POST /rerank", response.status_code, response.json())
    return response


async def test_documents_come_back_by_relevance_and_a_search_is_charged(api: Api):
    response = await rank(api)
    reply = response.json()
    assert response.status_code == 200, reply
    assert [result["index"] for result in reply["results"]] == [1, 2, 0]
    assert reply["results"][0]["document"] == {"text": DOCUMENTS[1]}
    scores = [result["relevance_score"] for result in reply["results"]]
    assert scores == sorted(scores, reverse=True) and 0 <= scores[-1] < scores[0] <= 1
    assert (reply["model"], reply["provider"], reply["usage"]["search_units"]) == ("acme/ranks", "Cohere", 1)
    row = await api.generation(reply["id"])
    assert (row.cost, row.hold, row.api_type, row.search_units) == (usd(SEARCH), usd("0.003") + 1, "rerank", 1)
    assert response.headers["X-Generation-Id"] == reply["id"]
    (request,) = await api.received()
    assert request["path"] == "/cohere/v2/rerank"
    await api.assert_books_balance()


async def test_objects_with_a_text_and_top_n(api: Api):
    reply = (await rank(api, documents=[{"text": text} for text in DOCUMENTS], top_n=2)).json()
    assert [result["index"] for result in reply["results"]] == [1, 2]
    everything = (await rank(api, top_n=50)).json()
    assert len(everything["results"]) == 3


async def test_more_than_a_hundred_documents_are_several_search_units(api: Api):
    reply = (await rank(api, documents=[f"document {number}" for number in range(250)], top_n=1)).json()
    assert reply["usage"]["search_units"] == 3
    row = await api.generation(reply["id"])
    assert row.cost == 3 * usd(SEARCH) <= row.hold
    await api.assert_books_balance()


async def test_long_documents_count_in_chunks(api: Api):
    reply = (await rank(api, documents=["word " * 990] * 60)).json()
    units = reply["usage"]["search_units"]
    row = await api.generation(reply["id"])
    assert units == 2 and row.cost == 2 * usd(SEARCH) <= row.hold


async def test_a_model_priced_by_token_is_charged_by_token(api: Api):
    reply = (await rank(api, model="acme/counts", provider={})).json()
    row = await api.generation(reply["id"])
    assert "search_units" not in reply["usage"]
    assert row.cost == usd(TOKEN) * reply["usage"]["total_tokens"] > 0
    await api.assert_books_balance()


async def test_missing_usage_costs_the_searches_that_were_held(api: Api):
    reply = (await rank(api, fault="*=no-usage")).json()
    assert reply["usage"]["search_units"] == 1 and reply["usage"]["is_estimated"] is True
    counted = (await rank(api, model="acme/counts", provider={}, fault="*=no-usage")).json()
    assert counted["usage"]["total_tokens"] > 20 and counted["usage"]["is_estimated"] is True
    await api.assert_books_balance()


async def test_a_fallback_charges_only_the_provider_that_answered(api: Api):
    reply = (await rank(api, fault="cohere=500")).json()
    assert reply["provider"] == "Dear"
    assert (await api.generation(reply["id"])).cost == usd("0.003")
    await api.assert_books_balance()


@pytest.mark.parametrize(("fault", "status"), [("503", 503), ("400", 400), ("empty", 502), ("malformed", 502)])
async def test_a_failure_charges_nothing(api: Api, fault: str, status: int):
    response = await rank(api, fault=f"*={fault}")
    assert response.status_code == response.json()["error"]["code"] == status
    assert (await api.generation()).cost == 0
    await api.assert_books_balance()


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"query": ""}, "at `$.query`"),
        ({"query": None}, "at `$.query`"),
        ({"documents": []}, "at `$.documents`"),
        ({"documents": "one"}, "at `$.documents`"),
        ({"documents": ["a", 5]}, "at `$.documents[1]`"),
        ({"documents": ["a", {"title": "b"}]}, "`text` is required - at `$.documents[1]`"),
        ({"documents": [{"image": "data:image/png;base64,AA"}]}, "at `$.documents[0].image`"),
        ({"top_n": 0}, "at `$.top_n`"),
        ({"model": "acme/one"}, "acme/one is a chat model"),
        ({"stream": True}, "at `$.stream`"),
    ],
)
async def test_a_malformed_request_is_refused_with_its_place(api: Api, changes: dict[str, Any], text: str):
    response = await rank(api, **changes)
    assert response.status_code == 400
    assert text in response.json()["error"]["message"]
    assert await Generation.objects.acount() == await Hold.objects.acount() == 0


async def test_the_response_cache_has_no_part_in_it(api: Api):
    request = {"model": "acme/ranks", "query": "a query", "documents": DOCUMENTS}
    for _ in range(2):
        response = await api.post("/rerank", json=request, headers={"X-OpenRouter-Cache": "true"})
        assert response.status_code == 200 and response.json()["usage"]["cost"] > 0
        assert not [name for name in response.headers if name.startswith("x-openrouter-cache")]
