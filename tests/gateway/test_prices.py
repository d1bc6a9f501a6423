"""Every part of a request has a price of its own, and is paid once."""

from decimal import Decimal

from asgiref.sync import sync_to_async

from activity.explanation import explain
from tests.gateway import factory

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
    """What a request with the usage above costs at these prices, in dollars."""
    model = await sync_to_async(factory.model)("acme/priced")
    await sync_to_async(factory.endpoint)(model, "cheap", prices)
    content = [{"type": "text", "text": "Hello"}, *[PICTURE] * images]
    body = {"model": "acme/priced", "messages": [{"role": "user", "content": content}]}
    headers = {"X-Sandbox-Usage": USAGE, "X-Sandbox-Dialect": "plain"}
    answer = await api.post(json=body, headers=headers)
    assert answer.status_code == 200, answer.text
    row = await api.generation(answer.json()["id"])
    assert round(answer.json()["usage"]["cost"] * 10**12) == row.cost
    await api.assert_books_balance()
    return Decimal(row.cost).scaleb(-12)


async def test_every_part_of_a_request_is_charged_at_its_own_price(api):
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


async def test_tokens_without_a_price_of_their_own_cost_what_their_like_costs(api):
    plain = {name: PRICES[name] for name in ("prompt", "completion")}
    assert await charged(api, plain) == 1000 * Decimal("0.000001") + 50 * Decimal("0.000002")


async def test_a_price_per_request_is_paid_once_however_little_is_said(api):
    assert await charged(api, {"prompt": "0", "completion": "0", "request": "0.02"}) == Decimal("0.02")


async def test_a_price_of_zero_is_a_price_and_the_row_explains_the_charge(api):
    prices = {"prompt": "0.000001", "completion": "0.000002", "input_cache_write": "0"}
    assert await charged(api, prices) == 900 * Decimal("0.000001") + 50 * Decimal("0.000002")
    row = await api.generation()
    assert row.price == {"prompt": "0.000001", "completion": "0.000002", "input_cache_write": "0", "request": "0",
                         "image": "0", "web_search": "0"}  # fmt: skip
    explanation = explain(row)
    assert (explanation.waived, explanation.other, explanation.listed) == (0, 0, row.cost)
