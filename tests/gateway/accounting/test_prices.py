"""Every component of a request has a price of its own and is charged once."""

from decimal import Decimal

from asgiref.sync import sync_to_async

from activity.requests.explanation import explain
from billing.models import CreditAccount
from gateway.accounting.pricing import cost_of, parts_of, prompt_and_completion
from gateway.events import Usage
from gateway.models import UsageHour
from gateway.tokens.bounds import SHORT_DOCUMENT_TOKENS, estimate_file_tokens
from models_catalog.catalog import Prices
from tests.gateway import factory
from tests.gateway.factory import usd
from tests.gateway.logged import turn_on

PRICES = {
    "prompt": "0.000001",
    "completion": "0.000002",
    "internal_reasoning": "0.000005",
    "input_cache_read": "0.0000001",
    "input_cache_write": "0.00000125",
    "request": "0.01",
    "image": "0.003",
}
USAGE = "prompt=1000,completion=50,cached=200,cache_write=100,reasoning=10"
PICTURE = {
    "type": "image_url",
    "image_url": {
        "url": "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ"
        "AAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
    },
}


async def charged(api, prices: dict[str, str], images: int = 0) -> Decimal:
    """The cost of a request with the usage above at these prices, in USD."""
    model = await sync_to_async(factory.model)("acme/priced")
    await sync_to_async(factory.endpoint)(model, "cheap", prices)
    content = [{"type": "text", "text": "Hello"}, *[PICTURE] * images]
    body = {"model": "acme/priced", "messages": [{"role": "user", "content": content}]}
    headers = {"X-Sandbox-Usage": USAGE, "X-Sandbox-Dialect": "plain"}
    response = await api.post(json=body, headers=headers)
    assert response.status_code == 200, response.text
    row = await api.generation(response.json()["id"])
    assert round(response.json()["usage"]["cost"] * 10**12) == row.cost
    await api.assert_books_balance()
    return Decimal(row.cost).scaleb(-12)


async def test_every_component_of_a_request_is_charged_at_its_own_price(api):
    parts = {
        "prompt": 700 * Decimal(PRICES["prompt"]),  # neither from the cache nor written to it
        "input_cache_read": 200 * Decimal(PRICES["input_cache_read"]),
        "input_cache_write": 100 * Decimal(PRICES["input_cache_write"]),
        "completion": 40 * Decimal(PRICES["completion"]),  # not reasoning
        "internal_reasoning": 10 * Decimal(PRICES["internal_reasoning"]),
        "request": Decimal(PRICES["request"]),
        "image": 2 * Decimal(PRICES["image"]),
    }
    assert await charged(api, PRICES, images=2) == sum(parts.values())


def test_the_price_of_the_prompt_and_that_of_the_completion_are_all_of_it():
    prices = Prices(**{name: Decimal(price) for name, price in PRICES.items()})
    usage = Usage(
        prompt_tokens=1000, completion_tokens=50, cached_tokens=200, cache_write_tokens=100, reasoning_tokens=10
    )
    parts = parts_of(prices, usage, images=2)
    prompt, completion = prompt_and_completion(parts)
    assert completion == usd("0.00013")  # 40 tokens, and 10 of reasoning
    assert prompt + completion == cost_of(parts)
    assert prompt_and_completion([]) == (0, 0)


async def test_tokens_without_their_own_price_cost_as_much_as_plain_tokens(api):
    plain = {name: PRICES[name] for name in ("prompt", "completion")}
    assert await charged(api, plain) == 1000 * Decimal("0.000001") + 50 * Decimal("0.000002")


async def test_a_price_per_request_is_charged_once_per_request(api):
    assert await charged(api, {"prompt": "0", "completion": "0", "request": "0.02"}) == Decimal("0.02")


async def test_a_price_of_zero_is_not_a_missing_price(api):
    prices = {"prompt": "0.000001", "completion": "0.000002", "input_cache_write": "0"}
    assert await charged(api, prices) == 900 * Decimal("0.000001") + 50 * Decimal("0.000002")
    row = await api.generation()
    assert row.price == {"prompt": "0.000001", "completion": "0.000002", "input_cache_write": "0", "request": "0",
                         "image": "0", "web_search": "0"}  # fmt: skip
    explanation = explain(row)
    assert (explanation.waived, explanation.other, explanation.listed) == (0, 0, row.cost)


async def test_logging_gives_a_discount_of_one_percent(api, organisation):
    await sync_to_async(turn_on)(organisation)
    plain = {name: PRICES[name] for name in ("prompt", "completion")}
    assert await charged(api, plain) == (1000 * Decimal("0.000001") + 50 * Decimal("0.000002")) * Decimal("0.99")
    row = await api.generation()
    assert row.discount_basis_points == 100
    assert explain(row).discount == row.discount == row.cost // 99
    hour = await UsageHour.objects.aget()
    assert (hour.cost, hour.discount) == (row.cost, row.discount)
    await api.assert_books_balance()


async def test_the_hold_covers_the_tokens_that_pdfs_may_have(api):
    def message(*files: str) -> dict:
        parts = [{"type": "file", "file": {"filename": "a.pdf", "file_data": data}} for data in files]
        return {"role": "user", "content": [{"type": "text", "text": "Read."}, *parts]}

    small = f"data:application/pdf;base64,{'A' * 40_000}"
    likely = SHORT_DOCUMENT_TOKENS + len(small) * 3 // 4
    assert estimate_file_tokens([message(small)], 100_000) == (likely, 100_000)
    assert estimate_file_tokens([message(small, small, small, small)], 100_000) == (100_000, 100_000)
    assert estimate_file_tokens([message("https://papers.example/a.pdf")], 100_000) == (100_000, 100_000)
    assert estimate_file_tokens([message("data:text/plain;base64,QUJD")], 100_000) == (3_420, 3_420)
    assert estimate_file_tokens([{"role": "user", "content": [PICTURE]}], 100_000) == (0, 0)
    reader = await sync_to_async(factory.model)("acme/reader", input_modalities=["text", "file"])
    await sync_to_async(factory.endpoint)(reader, "cheap", factory.CHEAP | {"image": "1"})
    response = await api.post(json={"model": "acme/reader", "messages": [message(small)], "max_tokens": 10})
    assert response.status_code == 200, response.text
    row = await api.generation()
    assert row.hold > 100_000 * usd("0.000001")  # the whole context: a small file may have any number of pages
    assert row.images == 0  # files are not priced as images
    await api.assert_books_balance()
    # A small balance need not cover the size that a hostile file could have.
    account = await api.account()
    await CreditAccount.objects.filter(pk=account.pk).aupdate(credits=account.usage + usd("0.05"))
    assert (await api.post(json={"model": "acme/reader", "messages": [message(small)], "max_tokens": 10})).is_success
    assert (await api.generation()).hold == usd("0.05")
    await CreditAccount.objects.filter(pk=account.pk).aupdate(credits=account.usage + usd("0.03"))
    refused = await api.post(json={"model": "acme/reader", "messages": [message(small)], "max_tokens": 10})
    assert refused.status_code == 402
