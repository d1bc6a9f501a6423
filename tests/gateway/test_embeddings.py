"""`POST /api/v1/embeddings`: one plan, one hold and one bill with every other request."""

import asyncio
import base64
import json
import math
import struct
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.db.models import F

from billing.models import CreditAccount
from gateway.models import Generation, Hold, ProviderSpend, UsageHour
from gateway.routing import upstreams
from keys.models import ApiKey
from models_catalog import catalog
from tests.support.clocks import MovableClock
from tests.wire import check

from . import factory
from .conftest import Api
from .factory import usd

pytestmark = pytest.mark.django_db(transaction=True)

PRICE = "0.00000002"  # at `cheap`, per token
DEAR = "0.00000005"


@pytest.fixture(autouse=True)
def vectors_catalogue(small_catalogue: None) -> None:
    """`acme/vectors` at two providers, cheap and dear; `acme/tokens` at OpenAI and at one that takes texts only."""
    vectors, tokens = factory.embedding_model(), factory.embedding_model("acme/tokens")
    pictures = factory.embedding_model("acme/pictures", input_modalities=["text", "image"])
    factory.save(
        factory.embedding_endpoint(vectors, "cheap", PRICE),
        factory.embedding_endpoint(vectors, "dear", DEAR),
        factory.embedding_endpoint(tokens, "cheap", PRICE),
        factory.embedding_endpoint(tokens, "openai", DEAR),
        factory.embedding_endpoint(factory.embedding_model("acme/fixed"), "cheap", PRICE, supported_parameters=[]),
        factory.embedding_endpoint(pictures, "cohere", PRICE),
    )


async def embed(api: Api, given: Any = "Hello there", *, fault: str = "", **body: Any) -> Any:
    headers = {"X-Sandbox-Fault": fault} if fault else {}
    request = {"model": "acme/vectors", "input": given, "provider": {"sort": "price"}, **body}
    response = await api.post("/embeddings", json=request, headers=headers)
    check("POST /embeddings", response.status_code, response.json())
    return response


def numbers(text: str) -> list[float]:
    packed = base64.b64decode(text)
    return list(struct.unpack(f"<{len(packed) // 4}f", packed))


def cosine(left: list[float], right: list[float]) -> float:
    return sum(a * b for a, b in zip(left, right, strict=True))


async def test_a_response_has_a_unit_vector_for_each_input_and_is_charged_by_the_prompt_price(api: Api):
    response = await embed(api, ["The cat sat on the mat", "A cat sat on a mat", "Quarterly revenue rose"])
    reply = response.json()
    assert response.status_code == 200, reply
    assert response.headers["X-Generation-Id"] == reply["id"] and response.headers["Access-Control-Allow-Origin"] == "*"
    assert (reply["object"], reply["model"], reply["provider"]) == ("list", "acme/vectors", "Cheap")
    assert [(item["object"], item["index"]) for item in reply["data"]] == [("embedding", at) for at in range(3)]
    first, near, far = (item["embedding"] for item in reply["data"])
    assert len(first) == 256 and math.isclose(cosine(first, first), 1, abs_tol=1e-5)
    assert cosine(first, near) > 0.5 > 0.2 > cosine(first, far)
    usage = reply["usage"]
    assert usage["prompt_tokens"] == usage["total_tokens"] > 0 and "completion_tokens" not in usage

    row = await api.generation(reply["id"])
    assert row.cost == usd(PRICE) * usage["prompt_tokens"] == round(usage["cost"] * 10**12)
    assert (row.api_type, row.prompt_tokens, row.completion_tokens) == ("embeddings", usage["prompt_tokens"], 0)
    assert row.hold >= row.cost > 0 and row.finish_reason == "stop"
    await api.assert_books_balance()


@pytest.mark.parametrize(
    ("given", "count"),
    [
        ("one text", 1),
        (["one text"], 1),
        (["one", "two", "three"], 3),
        (["\N{GRINNING FACE} and more"], 1),
        ([{"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}], 1),
    ],
)
async def test_every_shape_of_texts_is_accepted(api: Api, given: Any, count: int):
    response = await api.post(
        "/embeddings",
        content=json.dumps({"model": "acme/vectors", "input": given}),
        headers={"Content-Type": "text/plain"},
    )
    assert response.status_code == 200, response.text
    assert len(response.json()["data"]) == count
    await api.assert_books_balance()


@pytest.mark.parametrize(("given", "count", "tokens"), [([1, 2, 3], 1, 3), ([[1, 2], [3]], 2, 3)])
async def test_token_ids_go_to_a_provider_that_takes_them(api: Api, given: Any, count: int, tokens: int):
    response = await embed(api, given, model="acme/tokens")
    reply = response.json()
    assert response.status_code == 200, reply
    assert (reply["provider"], len(reply["data"]), reply["usage"]["prompt_tokens"]) == ("Openai", count, tokens)
    row = await api.generation()
    assert [attempt["status"] for attempt in row.failed_attempts] == [400]

    refused = await embed(api, given)
    assert refused.status_code == 400
    assert "takes texts, not token IDs" in refused.text and "`$.input" in refused.text
    await api.assert_books_balance()


@pytest.mark.parametrize("model", ["acme/vectors", "acme/tokens"])  # the first provider sends no base64
async def test_base64_and_numbers_are_the_same_vectors(api: Api, model: str):
    texts = ["a first text", "a second one"]
    order = {"order": ["openai", "cheap"]}
    plain = (await embed(api, texts, model=model, provider=order)).json()
    packed = (await embed(api, texts, model=model, provider=order, encoding_format="base64")).json()
    assert plain["usage"] == packed["usage"]
    for left, right in zip(plain["data"], packed["data"], strict=True):
        assert left["embedding"] == pytest.approx(numbers(right["embedding"]), abs=1e-7)
    asked = [request["body"].get("encoding_format") for request in await api.received()]
    assert asked == [None, "base64" if model == "acme/tokens" else None]


@pytest.mark.parametrize("encoding", ["float", "base64"])
async def test_a_response_of_a_megabyte_is_complete(api: Api, encoding: str):
    body = {"dimensions": 4096, "encoding_format": encoding}
    many = (await embed(api, [f"text {number}" for number in range(64)], **body)).json()
    one = (await embed(api, "text 63", **body)).json()
    assert [item["index"] for item in many["data"]] == [*range(64)]
    assert many["data"][63]["embedding"] == one["data"][0]["embedding"]
    assert many["usage"]["cost"] > one["usage"]["cost"] > 0


async def test_dimensions_reach_a_provider_that_knows_them(api: Api):
    reply = (await embed(api, dimensions=64)).json()
    assert len(reply["data"][0]["embedding"]) == 64
    fixed = await embed(api, dimensions=64, model="acme/fixed")
    assert fixed.status_code == 404 and "1 by dimensions" in fixed.text
    usual = await embed(api, dimensions=256, model="acme/fixed")
    assert usual.status_code == 200
    bodies = [request["body"] for request in await api.received()]
    assert [body.get("dimensions") for body in bodies] == [64, None]


@pytest.mark.parametrize(
    ("provider", "expected"),
    [
        ({"order": ["dear"]}, "Dear"),
        ({"only": ["dear"]}, "Dear"),
        ({"ignore": ["cheap"]}, "Dear"),
        ({"sort": "price"}, "Cheap"),
        ({"order": ["dear"], "max_price": {"prompt": 0.03}}, "Cheap"),
    ],
)
async def test_provider_preferences_choose_the_endpoint(api: Api, provider: dict[str, Any], expected: str):
    response = await embed(api, provider=provider)
    assert response.status_code == 200 and response.json()["provider"] == expected


@pytest.mark.parametrize("provider", [{"zdr": True}, {"data_collection": "deny"}])
async def test_data_policies_exclude_endpoints(api: Api, provider: dict[str, Any]):
    await sync_to_async(factory.provider)("cheap", retains=True)
    await sync_to_async(catalog.touch)()
    response = await embed(api, provider={"sort": "price", **provider})
    assert response.json()["provider"] == "Dear"


async def test_a_fallback_charges_only_the_provider_that_answered(api: Api):
    reply = (await embed(api, fault="cheap=503")).json()
    assert reply["provider"] == "Dear"
    row = await api.generation(reply["id"])
    assert [(each["provider"], each["status"]) for each in row.attempts] == [("cheap", 503), ("dear", 200)]
    assert row.cost == usd(DEAR) * reply["usage"]["prompt_tokens"]
    await api.assert_books_balance()
    hours = [hour async for hour in UsageHour.objects.values("model", "provider", "requests", "cost")]
    assert hours == [{"model": "acme/vectors", "provider": "dear", "requests": 1, "cost": row.cost}]


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        ("429", 429), ("400", 400), ("401", 502), ("503", 503), ("reset", 502), ("html-200", 502), ("error-200", 502),
        ("malformed", 502), ("truncate", 502), ("cut", 502), ("empty", 502), ("context-length", 400),
    ],
)  # fmt: skip
async def test_a_failure_charges_nothing_and_is_told_in_the_envelope(api: Api, fault: str, status: int):
    response = await embed(api, fault=f"*={fault}")
    error = response.json()["error"]
    assert (response.status_code, error["code"]) == (status, status), error
    assert error["message"] and error["metadata"]["error_type"]
    row = await api.generation(response.headers["X-Generation-Id"])
    assert (row.cost, row.error_status, row.api_type) == (0, status, "embeddings")
    await api.assert_books_balance()


async def test_missing_usage_is_estimated_and_charged_within_the_hold(api: Api):
    reply = (await embed(api, ["some words to count", "and more of them"], fault="*=no-usage")).json()
    assert reply["usage"]["prompt_tokens"] == 8 and reply["usage"]["is_estimated"] is True
    row = await api.generation(reply["id"])
    assert row.token_source == Generation.TokenSource.ESTIMATE
    assert row.cost == 8 * usd(PRICE) <= row.hold
    await api.assert_books_balance()


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"input": ""}, "the input is empty - at `$.input`"),
        ({"input": []}, "`input` is empty"),
        ({"input": None}, "`input` is required"),
        ({"input": 5}, "`input` is int"),
        ({"input": ["a", ""]}, "the input is empty - at `$.input[1]`"),
        ({"input": ["a", None]}, "at `$.input[1]`"),
        ({"input": [[1], []]}, "at `$.input[1]`"),
        ({"input": [True]}, "at `$.input[0]`"),
        ({"input": [{"content": [{"type": "smell"}]}]}, "at `$.input[0].content[0]`"),
        ({"input": [{"content": [{"type": "image_url", "image_url": {}}]}]}, "at `$.input[0].content[0]`"),
        ({"input": ["a"] * 2049}, "2,049 inputs, at most 2,048"),
        ({"input": ["short", "long " * 4000]}, "The input at `$.input[1]` has about 5000 tokens"),
        ({"input": "long " * 4000}, "The input at `$.input` has about 5000 tokens"),
        ({"dimensions": 0}, "at `$.dimensions`"),
        ({"encoding_format": "hex"}, "at `$.encoding_format`"),
        ({"model": None}, "at `$.model`"),
        ({"model": "acme/unknown"}, "acme/unknown is not a valid model ID"),
        ({"stream": True}, "at `$.stream`"),
    ],
)
async def test_a_malformed_request_is_refused_with_its_place(api: Api, changes: dict[str, Any], text: str):
    response = await embed(api, **({"given": changes.pop("input")} if "input" in changes else {}), **changes)
    assert response.status_code == 400
    assert text in response.json()["error"]["message"]
    assert await Generation.objects.acount() == await Hold.objects.acount() == 0


async def test_media_needs_a_model_that_takes_it(api: Api):
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
    given = [{"content": [{"type": "text", "text": "a cat"}]}, {"content": [picture]}]
    refused = await embed(api, given)
    assert refused.status_code == 400
    assert "acme/vectors takes text, not image - at `$.input[1].content[0]`" in refused.text
    accepted = await embed(api, given, model="acme/pictures")
    assert accepted.status_code == 200, accepted.text
    (request,) = await api.received()
    assert request["path"] == "/cohere/v2/embed" and request["body"]["inputs"] == given


CHAT = {"messages": [{"role": "user", "content": "x"}]}
RANK = {"query": "x", "documents": ["y"]}


@pytest.mark.parametrize(
    ("path", "model", "body", "says"),
    [
        ("/embeddings", "acme/one", {"input": "x"}, "a chat model. Send requests for it to /api/v1/chat/completions"),
        ("/rerank", "acme/vectors", RANK, "an embedding model. Send requests for it to /api/v1/embeddings"),
        ("/chat/completions", "acme/vectors", CHAT, "an embedding model. Send requests for it to /api/v1/embeddings"),
    ],
)
async def test_a_model_of_another_task_names_the_right_path(
    api: Api, path: str, model: str, body: dict[str, Any], says: str
):
    response = await api.post(path, json={"model": model, **body})
    error = response.json()["error"]
    assert response.status_code == 400 and says in error["message"]
    assert error["availability"]["code"] == "wrong_endpoint" and error["availability"]["retryable"] is False


async def test_without_credits_or_key_limit_it_is_refused_before_any_work(api: Api):
    await ApiKey.objects.filter(pk=api.key_id).aupdate(limit=1)
    limited = await embed(api)
    assert limited.status_code == 402 and limited.json()["error"]["metadata"]["limit"] == "key"
    await ApiKey.objects.filter(pk=api.key_id).aupdate(limit=None)
    await CreditAccount.objects.filter(pk=api.account_id).aupdate(usage=F("credits"))
    broke = await embed(api)
    assert broke.status_code == 402 and "Insufficient credits" in broke.text
    assert await api.received() == []


async def test_requests_at_once_cannot_spend_more_than_the_balance(api: Api):
    text = "word " * 400
    one = (await embed(api, text)).json()["usage"]
    cost, hold = (await api.generation()).cost, (await api.generation()).hold
    account = await api.account()
    await CreditAccount.objects.filter(pk=api.account_id).aupdate(usage=account.credits - 3 * hold)
    await UsageHour.objects.aupdate(cost=account.credits - 3 * hold)
    await Generation.objects.aupdate(cost=account.credits - 3 * hold)
    responses = await asyncio.gather(*(embed(api, text) for _ in range(20)))
    served = [response for response in responses if response.status_code == 200]
    assert {response.status_code for response in responses} == {200, 402} and 3 <= len(served) < 20
    assert all(response.json()["usage"] == one for response in served)
    account = await api.account()
    assert account.held == 0 and account.credits - account.usage == 3 * hold - len(served) * cost >= 0


async def test_counters_are_those_of_every_other_request(api: Api):
    reply = (await embed(api, user="someone")).json()
    row = await api.generation(reply["id"])
    assert (row.external_user, row.streamed, row.requested_model) == ("someone", False, "acme/vectors")
    key = await ApiKey.objects.aget(pk=api.key_id)
    assert key.usage == row.cost > 0
    (received,) = await api.received()
    assert received["body"]["user"] != "someone"
    assert await ProviderSpend.objects.acount() == 0  # a simulated provider costs nothing


async def test_more_inputs_than_a_provider_takes_are_sent_in_parts_and_charged_once(api: Api):
    texts = [f"text {number}" for number in range(200)]
    reply = (await embed(api, texts, model="acme/pictures")).json()
    assert [item["index"] for item in reply["data"]] == list(range(200))
    alone = (await embed(api, texts[150], model="acme/pictures")).json()
    assert reply["data"][150]["embedding"] == alone["data"][0]["embedding"]
    sizes = sorted(len(request["body"]["texts"]) for request in await api.received())
    assert sizes == [1, 8, 96, 96]
    row = await api.generation(reply["id"])
    assert row.cost == usd(PRICE) * reply["usage"]["prompt_tokens"] == usd(PRICE) * 400
    await api.assert_books_balance()


async def test_a_part_that_fails_fails_the_request(api: Api):
    response = await embed(api, ["text"] * 200, model="acme/pictures", fault="cohere=503-once")
    assert response.status_code == 503
    assert (await api.generation()).cost == 0
    await api.assert_books_balance()


async def test_gemini_is_asked_in_its_own_protocol(api: Api, monkeypatch: pytest.MonkeyPatch):
    served = factory.embedding_model("acme/gemini")
    await sync_to_async(factory.save)(factory.embedding_endpoint(served, "google-ai-studio", PRICE))
    sandbox = api.headers["X-Test-Sandbox"]
    monkeypatch.setenv("PROVIDER_GOOGLE_AI_STUDIO_BASE_URL", f"{sandbox}/google-native/v1beta")
    monkeypatch.setenv("PROVIDER_GOOGLE_AI_STUDIO_API_KEY", "key")
    upstreams.clear()
    reply = (await embed(api, ["one text", "another"], model="acme/gemini", dimensions=32)).json()
    assert [len(item["embedding"]) for item in reply["data"]] == [32, 32]
    assert reply["usage"]["is_estimated"] is True  # it reports none
    (request,) = await api.received()
    assert request["path"] == "/google-native/v1beta/models/gemini:batchEmbedContents"
    await api.assert_books_balance()


async def test_methods_and_preflights_are_those_of_the_chat(api: Api):
    preflight = await api.client.options("/api/v1/embeddings")
    assert preflight.status_code == 204 and preflight.headers["Access-Control-Allow-Origin"] == "*"
    assert (await api.client.get("/api/v1/embeddings")).status_code == 405
    assert (await api.client.post("/api/v1/embeddings", json={})).status_code == 401


async def test_a_body_above_the_limit_is_refused(api: Api, settings: Any):
    settings.MAX_REQUEST_BYTES = 1000
    assert (await embed(api, "x" * 2000)).status_code == 413


async def test_a_free_model_costs_nothing_and_has_the_limits_of_free_models(api: Api, clock: MovableClock):
    served = factory.embedding_model("acme/vectors:free")
    await sync_to_async(factory.save)(factory.embedding_endpoint(served, "cheap", "0"))
    responses = [await embed(api, model="acme/vectors:free") for _ in range(21)]
    assert [response.status_code for response in responses] == [200] * 20 + [429]
    assert responses[-1].headers["X-RateLimit-Limit"] == "20"
    assert (await api.account()).usage == 0


async def test_the_routers_decisions_are_told_on_request(api: Api):
    api.headers["X-OpenRouter-Metadata"] = "enabled"
    reply = (await embed(api, fault="cheap=503")).json()
    assert reply["openrouter_metadata"]["summary"] == "Cheap (503) -> Dear (200)"
