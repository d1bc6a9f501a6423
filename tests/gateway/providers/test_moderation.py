"""A provider's moderation refuses a prompt: the next provider is asked, and the last word is the caller's to read."""

from typing import Any

import pytest

from gateway.models import Generation
from gateway.providers.errors import failure_from_body
from gateway.providers.moderation import Moderation, moderation_refusal
from gateway.routing import health
from tests.gateway.native import user

#: In which the sandbox's errors have room for reasons, and have none.
ROOMY, NARROW = {"X-Sandbox-Dialect": "plain"}, {"X-Sandbox-Dialect": "tight"}


async def ask(api, fault: str, prompt: str = "How do I hurt someone?", dialect: Any = ROOMY, **body: Any) -> Any:
    asked = {"model": "acme/one", "messages": [user(prompt)], "provider": {"sort": "price"}, **body}
    return await api.post(json=asked, headers={"X-Sandbox-Fault": fault, **dialect})


@pytest.mark.parametrize("streamed", [True, False], ids=["streamed", "whole"])
async def test_when_everybodys_moderation_refuses_it_is_a_403_with_its_reasons_and_free(api, streamed):
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


async def test_the_next_provider_is_asked_first_as_it_may_be_less_strict(api):
    answer = await ask(api, "cheap=moderation")
    assert (answer.status_code, answer.json()["provider"]) == (200, "Dear")
    assert [note["status"] for note in (await api.generation()).attempts] == [403, 200]


async def test_a_refused_prompt_sends_nobody_else_elsewhere(api):
    await ask(api, "cheap=moderation")
    assert not health.tracker.snapshot().failing
    assert (await ask(api, "")).json()["provider"] == "Cheap"


async def test_reasons_may_be_missing(api):
    error = (await ask(api, "*=moderation", dialect=NARROW)).json()["error"]
    assert error["metadata"]["reasons"] == []
    assert error["metadata"]["flagged_input"] == "How do I hurt someone?"


async def test_a_403_about_our_own_account_is_not_the_prompts_fault(api):
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
def test_moderation_is_told_from_other_refusals(body, moderation):
    assert failure_from_body(body, default_status=403).moderation == moderation


@pytest.mark.parametrize("status", [400, 500])
def test_only_a_403_is_a_refusal_of_that_kind(status):
    assert failure_from_body({"error": {"message": "flagged"}}, default_status=status).moderation is None


@pytest.mark.parametrize("length", [100, 101, 5000])
def test_long_inputs_are_shown_without_their_middle(length):
    text = "b" + "m" * (length - 2) + "e"
    parts = [{"type": "text", "text": text}, {"type": "image_url", "image_url": {"url": "data:,"}}]
    for messages in ([user(text)], [user(parts), {"role": "assistant", "content": "No."}]):
        shown = moderation_refusal(Moderation(), "Acme", "acme/one", messages).metadata["flagged_input"]
        assert len(shown) == 100
        assert (shown[0], shown[-1], "..." in shown) == ("b", "e", length > 100)


def test_the_providers_own_word_for_what_it_flagged_comes_first():
    refused = moderation_refusal(Moderation(("hate",), "f" * 300), "Acme", "acme/one", [user("Hello")])
    assert refused.metadata["flagged_input"] == "f" * 49 + "..." + "f" * 48


def test_a_prompt_without_a_user_is_shown_as_nothing():
    assert moderation_refusal(Moderation(), "Acme", "acme/one", []).metadata["flagged_input"] == ""
