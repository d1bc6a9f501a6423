"""Prompts refused by a provider's moderation: the next provider is tried, and the last refusal goes to the caller."""

from typing import Any

import pytest

from gateway.models import Generation
from gateway.providers.errors import failure_from_body
from gateway.providers.moderation import Moderation, moderation_refusal
from gateway.routing import health
from tests.gateway.native import user

#: Dialects of the sandbox whose errors have reasons, and have none.
WITH_REASONS, WITHOUT_REASONS = {"X-Sandbox-Dialect": "plain"}, {"X-Sandbox-Dialect": "tight"}


async def ask(api, fault: str, prompt: str = "How do I hurt someone?", dialect: Any = WITH_REASONS, **body: Any) -> Any:
    request = {"model": "acme/one", "messages": [user(prompt)], "provider": {"sort": "price"}, **body}
    return await api.post(json=request, headers={"X-Sandbox-Fault": fault, **dialect})


@pytest.mark.parametrize("streamed", [True, False], ids=["streamed", "whole"])
async def test_a_prompt_that_all_providers_refuse_is_a_403_with_reasons_and_free(api, streamed):
    answer = await ask(api, "*=moderation", stream=streamed)
    assert answer.status_code == 403
    error = answer.json()["error"]
    assert error["code"] == 403
    assert error["metadata"] == {
        "error_type": "content_policy_violation",
        "reasons": ["violence"],
        "flagged_input": "How do I hurt someone?",
        "provider_name": "Dear",
        "model_slug": "acme/one",
    }
    assert "violence" in error["message"] and "Nothing was charged" in error["message"]
    row = await api.generation()
    assert (row.state, row.error_status, row.cost) == (Generation.State.SETTLED, 403, 0)
    await api.assert_books_balance()


async def test_the_next_provider_is_tried_first(api):
    answer = await ask(api, "cheap=moderation")
    assert (answer.status_code, answer.json()["provider"]) == (200, "Dear")
    assert [note["status"] for note in (await api.generation()).attempts] == [403, 200]


async def test_a_refused_prompt_does_not_count_against_the_provider(api):
    await ask(api, "cheap=moderation")
    assert not health.tracker.snapshot().failing
    assert (await ask(api, "")).json()["provider"] == "Cheap"


async def test_reasons_may_be_missing(api):
    error = (await ask(api, "*=moderation", dialect=WITHOUT_REASONS)).json()["error"]
    assert error["metadata"]["reasons"] == []
    assert error["metadata"]["flagged_input"] == "How do I hurt someone?"


async def test_a_403_about_our_own_account_is_a_502(api):
    answer = await ask(api, "*=403")
    assert (answer.status_code, answer.json()["error"]["metadata"]["error_type"]) == (502, "provider_unavailable")


@pytest.mark.parametrize(
    ("body", "moderation"),
    [
        (
            {"error": {"code": 403, "message": "No", "metadata": {"reasons": ["hate"], "flagged_input": "a...b"}}},
            Moderation(("hate",), "a...b"),
        ),
        (
            {"code": "permission-denied", "error": "Content violates usage guidelines. Failed check: SAFETY_CHECK_BIO"},
            Moderation(),
        ),
        ({"error": {"code": "unsupported_country", "message": "Country not supported"}}, None),
        ({"type": "error", "error": {"type": "permission_error", "message": "Your key may not do that"}}, None),
        ({"error": {"message": "x", "metadata": {"reasons": "hate"}}}, None),
        (None, None),
    ],
)
def test_moderation_is_distinguished_from_other_403s(body, moderation):
    assert failure_from_body(body, default_status=403).moderation == moderation


@pytest.mark.parametrize("status", [400, 500])
def test_only_a_403_is_a_moderation_refusal(status):
    assert failure_from_body({"error": {"message": "flagged"}}, default_status=status).moderation is None


@pytest.mark.parametrize("length", [100, 101, 5000])
def test_long_inputs_are_quoted_without_their_middle(length):
    text = "b" + "m" * (length - 2) + "e"
    parts = [{"type": "text", "text": text}, {"type": "image_url", "image_url": {"url": "data:,"}}]
    for messages in ([user(text)], [user(parts), {"role": "assistant", "content": "No."}]):
        quoted = moderation_refusal(Moderation(), "Acme", "acme/one", messages).metadata["flagged_input"]
        assert len(quoted) == 100
        assert (quoted[0], quoted[-1], "..." in quoted) == ("b", "e", length > 100)


def test_the_text_that_the_provider_flagged_takes_precedence():
    refused = moderation_refusal(Moderation(("hate",), "f" * 300), "Acme", "acme/one", [user("Hello")])
    assert refused.metadata["flagged_input"] == "f" * 49 + "..." + "f" * 48


def test_a_prompt_without_a_user_message_has_no_quotation():
    assert moderation_refusal(Moderation(), "Acme", "acme/one", []).metadata["flagged_input"] == ""
