"""Asking with a web search, what the search engine and the models then received, and what it should have cost."""

import asyncio

import pytest

from activity.requests.explanation import explain
from billing.models import CreditAccount
from gateway import completions
from gateway.models import Generation
from tests.gateway.factory import usd
from tests.gateway.test_disconnects import caller

QUESTION = "Who discovered the tides of Europa?"
FEE = usd("0.007")


async def online(api, prompt=QUESTION, model="acme/one:online", **body):
    return await api.chat(prompt, model=model, **body)


async def plugin(api, prompt=QUESTION, fault="", **options):
    return await api.chat(prompt, fault=fault, tokens=5, plugins=[{"id": "web", **options}])


async def searches(api) -> list[dict]:
    return [one for one in await api.received() if one["provider"] == "exa"]


async def asked(api) -> list[dict]:
    """What the models' providers received."""
    return [one for one in await api.received() if one["provider"] != "exa"]


async def set_balance(api, dollars: str) -> None:
    await CreditAccount.objects.filter(pk=api.account_id).aupdate(credits=usd(dollars))


def tokens_cost(row: Generation, prompt="0.000001", completion="0.000002") -> int:
    return row.prompt_tokens * usd(prompt) + row.completion_tokens * usd(completion)


def assert_explained(row: Generation) -> None:
    """The page that says why it cost that says it to the pico."""
    why = explain(row)
    assert sum(line.amount for line in why.lines) * 10**12 == why.listed
    assert why.listed - why.discount - why.waived - why.written_off == why.charged == row.cost
    assert why.other == 0


def request():
    return completions.parse({"model": "acme/one:online", "messages": [{"role": "user", "content": QUESTION}]})


async def until(happened) -> None:
    for _ in range(500):
        if await happened():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it did not happen")


async def leave_when(api, happened, **headers) -> Generation:
    """A request whose caller leaves as soon as `happened` says so; how it was settled."""
    who = await caller(api, **headers)
    task = asyncio.create_task(anext(completions.stream(who, request())))
    await until(happened)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    return await api.generation()
