"""Helpers for requests with a web search: making them, what was received for them, and their expected cost."""

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
    """A chat completion with `:online`."""
    return await api.chat(prompt, model=model, **body)


async def plugin(api, prompt=QUESTION, fault="", **options):
    """A chat completion with the `web` plugin and these options."""
    return await api.chat(prompt, fault=fault, tokens=5, plugins=[{"id": "web", **options}])


async def searches(api) -> list[dict]:
    """The requests that the search engine received."""
    return [one for one in await api.received() if one["provider"] == "exa"]


async def model_requests(api) -> list[dict]:
    """The requests that the providers of models received."""
    return [one for one in await api.received() if one["provider"] != "exa"]


async def set_balance(api, dollars: str) -> None:
    await CreditAccount.objects.filter(pk=api.account_id).aupdate(credits=usd(dollars))


def tokens_cost(row: Generation, prompt="0.000001", completion="0.000002") -> int:
    """The cost of the request's tokens, in pico-USD."""
    return row.prompt_tokens * usd(prompt) + row.completion_tokens * usd(completion)


def assert_explained(row: Generation) -> None:
    """The explanation of the cost adds up to the pico-USD."""
    cost = explain(row)
    assert sum(line.amount for line in cost.lines) * 10**12 == cost.listed
    assert cost.listed - cost.discount - cost.waived - cost.written_off == cost.charged == row.cost
    assert cost.other == 0


def request():
    return completions.parse({"model": "acme/one:online", "messages": [{"role": "user", "content": QUESTION}]})


async def until(condition) -> None:
    """Wait until the coroutine function returns true."""
    async with asyncio.timeout(60):
        while not await condition():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def cancel_when(api, condition, **headers) -> Generation:
    """The settled request of a caller that cancels as soon as the condition is true."""
    client = await caller(api, **headers)
    task = asyncio.create_task(anext(completions.stream(client, request())))
    await until(condition)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    return await api.generation()
