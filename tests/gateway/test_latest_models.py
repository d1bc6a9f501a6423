"""`~author/family-latest`, requested: the newest model answers, is reported, and gets an effort that it has."""

from typing import Any

import pytest
from asgiref.sync import sync_to_async

from tests.gateway import factory

ALIAS = "~google/gemini-pro-latest"
NEWEST = "google/gemini-3.1-pro-preview"


@pytest.fixture
async def gemini(api: Any) -> Any:
    """Alice's client, with two models of a family, which always reason."""
    await sync_to_async(serve)()
    return api


def serve() -> None:
    for model_id, created in (("google/gemini-2.5-pro", 1_700_000_000), (NEWEST, 1_800_000_000)):
        factory.endpoint(factory.model(model_id, created=created), "cheap", factory.CHEAP)


async def test_the_model_that_answers_is_the_one_reported_and_billed(gemini):
    response = await gemini.chat(model=ALIAS, tokens=5)
    assert response.json()["model"] == NEWEST
    row = await gemini.generation(response.json()["id"])
    assert (row.requested_model, row.model) == (ALIAS, NEWEST)
    await gemini.assert_books_balance()


async def test_the_router_reports_an_alias(gemini):
    gemini.headers["X-OpenRouter-Metadata"] = "enabled"
    report = (await gemini.chat(model=ALIAS, tokens=5)).json()["openrouter_metadata"]
    assert (report["requested"], report["strategy"]) == (ALIAS, "latest")


async def test_an_effort_that_the_newest_model_lacks_becomes_the_nearest(gemini):
    await gemini.chat(model=ALIAS, reasoning={"effort": "none"})
    await gemini.chat(model=ALIAS, reasoning={"effort": "max"})
    assert [sent["body"]["reasoning_effort"] for sent in await gemini.received()] == ["minimal", "high"]


async def test_no_reasoning_is_refused_for_a_model_that_always_reasons(gemini):
    response = await gemini.chat(model=NEWEST, reasoning_effort="none")
    assert response.status_code == 400
    assert f"{NEWEST} always reasons" in response.json()["error"]["message"]
    assert (await gemini.chat(model=NEWEST, models=["acme/one"], reasoning_effort="none")).status_code == 200
    assert (await gemini.chat(reasoning_effort="none")).status_code == 200
