"""`/api/v1/chat/completions`: requests, responses, and what they cost."""

import json

import pytest
from asgiref.sync import sync_to_async

from common.storage import database
from gateway import http_responses
from gateway.models import Generation
from gateway.routing import upstreams
from gateway.steps import attribution
from keys import authentication
from keys.models import ApiKey
from tests.gateway import factory
from tests.gateway.factory import usd

QUESTION = [{"role": "user", "content": "What is the meaning of life?"}]


def events_of(text: str) -> list[dict]:
    assert text.endswith("data: [DONE]\n\n")
    return [json.loads(line[6:]) for line in text.split("\n\n") if line.startswith("data: {")]


async def test_a_reply_has_the_documented_shape_and_costs_tokens_times_price(api):
    response = await api.chat(tokens=20)
    body = response.json()
    assert response.status_code == 200
    assert response.headers["x-generation-id"] == body["id"]
    assert body["object"] == "chat.completion"
    assert body["model"] == "acme/one"
    assert body["provider"] == "Cheap"
    choice = body["choices"][0]
    assert choice["message"]["role"] == "assistant"
    assert choice["message"]["content"]
    assert choice["finish_reason"] in {"stop", "length"}
    usage = body["usage"]
    expected = usage["prompt_tokens"] * usd("0.000001") + usage["completion_tokens"] * usd("0.000002")
    assert usage["completion_tokens"] == 20
    assert round(usage["cost"] * 10**12) == expected
    row = await api.generation(body["id"])
    assert row.cost == expected
    assert row.state == Generation.State.SETTLED
    assert (await api.account()).usage == expected
    await api.assert_books_balance()


async def test_a_stream_ends_with_one_usage_chunk_without_choices_and_done(api):
    response = await api.chat(tokens=15, stream=True)
    assert response.headers["content-type"].startswith("text/event-stream")
    chunks = events_of(response.text)
    assert len({chunk["id"] for chunk in chunks}) == 1
    assert chunks[0]["id"] == response.headers["x-generation-id"]
    assert all(chunk["object"] == "chat.completion.chunk" for chunk in chunks)
    assert [chunk["choices"] for chunk in chunks if "usage" in chunk] == [[]]
    assert chunks[-1]["usage"]["completion_tokens"] == 15
    assert all(chunk["choices"] for chunk in chunks[:-1])
    assert [c["choices"][0]["finish_reason"] for c in chunks[:-1] if c["choices"][0]["finish_reason"]] != []
    assert (await api.account()).usage == round(chunks[-1]["usage"]["cost"] * 10**12)
    await api.assert_books_balance()


async def test_the_role_is_sent_once_because_clients_join_what_is_sent_again(api):
    chunks = events_of((await api.chat(tokens=15, stream=True)).text)
    deltas = [choice["delta"] for chunk in chunks for choice in chunk["choices"]]
    assert [delta.get("role") for delta in deltas] == ["assistant", *[None] * (len(deltas) - 1)]


async def test_a_body_without_a_content_type_is_read_as_json(api):
    response = await api.post(content=json.dumps({"model": "acme/one", "messages": QUESTION}))
    assert response.status_code == 200


async def test_the_cheapest_endpoint_serves_the_request(api):
    assert (await api.chat()).json()["provider"] == "Cheap"


async def test_a_failing_provider_is_replaced_by_the_next_and_only_that_one_is_paid(api):
    body = (await api.chat(fault="cheap=503", tokens=10)).json()
    assert body["provider"] == "Dear"
    row = await api.generation(body["id"])
    assert [attempt["status"] for attempt in row.attempts] == [503, 200]
    assert row.cost == row.prompt_tokens * usd("0.000002") + 10 * usd("0.000004")
    await api.assert_books_balance()


async def test_when_every_provider_fails_the_error_says_so_and_nothing_is_charged(api):
    response = await api.chat(fault="*=500")
    assert response.status_code == 502
    error = response.json()["error"]
    assert error["code"] == 502
    assert error["metadata"]["previous_errors"] == [{"provider": "Cheap", "code": 500, "status": 500}]
    assert (await api.account()).usage == 0
    await api.assert_books_balance()


async def test_an_unreachable_upstream_is_a_502_and_nothing_is_charged(api, settings):
    settings.SANDBOX_PROVIDERS_URL = "http://127.0.0.1:9"
    upstreams.clear()
    response = await api.chat()
    assert response.status_code == 502
    assert (await api.account()).usage == 0
    await api.assert_books_balance()


async def test_an_interrupted_response_keeps_its_text_and_is_free(api):
    response = await api.chat(fault="cheap=cut:5", tokens=30, stream=True)
    chunks = events_of(response.text)
    failed = [chunk for chunk in chunks if "error" in chunk]
    assert len(failed) == 1
    assert failed[0]["choices"][0]["finish_reason"] == "error"
    assert any(chunk["choices"] and chunk["choices"][0]["delta"]["content"] for chunk in chunks)
    assert (await api.account()).usage == 0
    row = await api.generation()
    assert row.finish_reason == "error"
    await api.assert_books_balance()


async def test_legacy_completions_take_a_prompt_and_return_text(api):
    response = await api.post("/completions", json={"model": "acme/one", "prompt": "Once upon a time"})
    body = response.json()
    assert body["object"] == "text_completion"
    assert body["choices"][0]["text"]
    assert "message" not in body["choices"][0]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"{", "not valid JSON"),
        (b"[]", "JSON object"),
        (b"", "not valid JSON"),
        (b'"\xff"', "not valid JSON"),
        (b'{"model":"acme/one"}', "`messages` or `prompt`"),
        (b'{"model":"acme/one","messages":[]}', "at least one message"),
        (b'{"model":"acme/one","messages":[{"role":"wizard","content":"x"}]}', "$.messages[0].role"),
        (b'{"model":5,"messages":[{"role":"user","content":"x"}]}', "$.model"),
        (b'{"model":"acme/one","messages":[{"role":"user","content":"x"}],"temperature":9}', "$.temperature"),
        (b'{"model":"acme/one","messages":[{"role":"user","content":"x"}],"max_tokens":0}', "$.max_tokens"),
        (b"[" * 100_000, ""),
    ],
)
async def test_a_malformed_body_is_a_400_that_names_the_place(api, content, says):
    response = await api.post(content=content)
    assert response.status_code == 400
    error = response.json()["error"]
    assert error["code"] == 400
    assert says in error["message"]
    assert not await Generation.objects.aexists()


async def test_an_unknown_model_is_a_400_that_says_where_to_look(api):
    response = await api.chat(model="acme/none")
    assert response.status_code == 400
    assert response.json()["error"]["message"].startswith("acme/none is not a valid model ID")
    assert response.json()["error"]["availability"]["code"] == "model_not_found"


async def test_a_missing_or_wrong_key_is_a_401(api):
    for headers in (
        {"Authorization": ""},
        {"Authorization": "Bearer sk-or-v1-" + "0" * 64},
        {"Authorization": "Basic x"},
    ):
        response = await api.post(json={"model": "acme/one", "messages": QUESTION}, headers=headers)
        assert response.status_code == 401
        assert response.json()["error"]["code"] == 401


async def test_an_oversized_body_is_a_413(api, settings):
    settings.MAX_REQUEST_BYTES = 1000
    response = await api.chat("x" * 2000)
    assert response.status_code == 413


async def test_get_is_a_405_that_names_the_method(api):
    response = await api.client.get("/api/v1/chat/completions")
    assert response.status_code == 405
    assert "POST" in response.json()["error"]["message"]


async def test_a_browser_may_call_from_anywhere(api):
    preflight = await api.client.options("/api/v1/chat/completions", headers={"Origin": "https://app.example"})
    assert preflight.status_code == 204
    assert preflight.headers["access-control-allow-origin"] == "*"
    for header in ("Authorization", "Content-Type", "HTTP-Referer", "X-Title", "X-OpenRouter-Categories"):
        assert header in preflight.headers["access-control-allow-headers"]
    assert "access-control-allow-credentials" not in preflight.headers
    assert (await api.chat()).headers["access-control-allow-origin"] == "*"


async def test_absent_parameters_stay_absent_and_credentials_are_not_forwarded(api, monkeypatch):
    noted: list[tuple] = []
    monkeypatch.setattr(attribution, "note", lambda *sent: noted.append(sent[1:]))
    await api.post(
        json={"model": "acme/one", "messages": QUESTION, "temperature": 0.5, "user": "alice", "provider": {}},
        headers={
            "HTTP-Referer": "https://app.example/page?secret=1",
            "X-Title": "App",
            "X-OpenRouter-Categories": "cli-agent, legal, game",
        },
    )
    (received,) = await api.received()
    assert received["body"]["temperature"] == 0.5
    asked_streamed = {"stream", "stream_options"}  # the gateway's own, to gather the response
    assert set(received["body"]) == {"model", "messages", "temperature", "user"} | asked_streamed
    assert received["body"]["user"] != "alice"
    assert api.secret not in json.dumps(received)
    assert "http-referer" not in {name.lower() for name in received["headers"]}
    row = await api.generation()
    assert (row.app, row.app_title) == ("https://app.example/page", "App")
    assert noted == [("https://app.example/page", "cli-agent, legal, game")]


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
async def test_the_title_of_an_app_is_read_in_either_encoding(api, encoding):
    await api.post(json={"model": "acme/one", "messages": QUESTION}, headers={"X-Title": "Café".encode(encoding)})
    assert (await api.generation()).app_title == "Café"


async def test_the_title_of_an_app_may_be_in_any_language(api):
    await api.post(json={"model": "acme/one", "messages": QUESTION}, headers={"X-Title": "שלום 🚀".encode()})
    assert (await api.generation()).app_title == "שלום 🚀"


async def test_the_app_of_a_key_counts_where_the_request_names_none(api):
    await database.run(ApiKey.objects.update, app="https://connected.example")
    authentication.identities.clear()
    await api.chat()
    assert (await api.generation()).app == "https://connected.example"


async def test_the_fingerprint_of_the_providers_system_passes_through(api):
    body = {"model": "acme/one", "messages": QUESTION}
    headers = {"X-Sandbox-Dialect": "plain"}
    whole = (await api.post(json=body, headers=headers)).json()
    assert whole["system_fingerprint"] == "fp_5a4db0c5"
    streamed = events_of((await api.post(json=body | {"stream": True}, headers=headers)).text)
    assert {chunk["system_fingerprint"] for chunk in streamed} == {"fp_5a4db0c5"}
    other = (await api.post(json=body, headers={"X-Sandbox-Dialect": "tight"})).json()
    assert other["system_fingerprint"] is None


async def test_without_a_model_the_accounts_default_serves_the_request(api, organisation):
    organisation.default_model = "acme/one"
    await organisation.asave()
    response = await api.post(json={"messages": QUESTION})
    assert response.json()["model"] == "acme/one"


async def test_missing_usage_is_estimated_and_marked(api):
    body = (await api.chat(fault="cheap=no-usage", tokens=40)).json()
    row = await api.generation(body["id"])
    assert row.token_source == Generation.TokenSource.ESTIMATE
    assert row.completion_tokens > 0
    assert row.cost > 0


async def test_negative_usage_never_adds_credits(api):
    body = (await api.chat(fault="cheap=negative-usage", tokens=40)).json()
    row = await api.generation(body["id"])
    assert row.cost >= 0
    await api.assert_books_balance()


async def test_an_idle_stream_sends_comments_that_clients_ignore(api, monkeypatch):
    monkeypatch.setattr(http_responses, "KEEP_ALIVE_SECONDS", 0.1)
    response = await api.chat(fault="cheap=stall:3,0.5", tokens=8, stream=True)
    events = response.text.split("\n\n")
    assert events.count(": OPENROUTER PROCESSING") >= 2
    assert events[-2:] == ["data: [DONE]", ""]
    assert (await api.generation()).completion_tokens == 8


@pytest.mark.parametrize(
    ("asked", "effort"),
    [
        ({}, "medium"),
        ({"include_reasoning": False}, "medium"),
        ({"reasoning": {"effort": "low"}}, "low"),
        ({"reasoning": {"enabled": False}}, None),
    ],
)
async def test_a_thinking_variant_reasons_by_default_whatever_its_endpoint_lists(api, asked, effort):
    served = await sync_to_async(factory.model)("acme/one:thinking")
    await sync_to_async(factory.endpoint)(served, "cheap", factory.CHEAP, supported_parameters=["max_tokens"])
    response = await api.chat(model="acme/one:thinking", **asked)
    assert response.status_code == 200
    assert (await api.received())[0]["body"].get("reasoning_effort") == effort
    details = response.json()["usage"]["completion_tokens_details"]
    assert (details["reasoning_tokens"] > 0) == (effort is not None)


async def test_other_models_do_not_reason_by_default(api):
    await api.chat()
    assert "reasoning_effort" not in (await api.received())[0]["body"]
