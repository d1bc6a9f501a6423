"""Amounts in the chat: exact to the cent where they are, otherwise rounded half up, and never $0.00 unless zero."""

import pytest

from tests.browser.chat.chatroom import OpenRoom, chatroom, people, room
from tests.support.amounts import AMOUNTS

__all__ = ["chatroom", "people", "room"]

PRICES = {
    "0": "$0.00", "0.00006": "$60.00", "0.0000025": "$2.50", "0.0000000375": "$0.0375", "0.0000000000001": "$0.0000001",
}  # fmt: skip


@pytest.fixture
def evaluate(room: OpenRoom):
    page = room().page

    def run(expression: str, texts: list[str]) -> list:
        functions = "const { perMillion, pico, usd } = await import('chat/money')"
        return page.evaluate(f"async (texts) => {{ {functions}; return {expression}; }}", texts)

    return run


def test_amounts_follow_one_rule(evaluate):
    shown = evaluate("texts.map((text) => [usd(pico(text)), usd(pico(text), { exact: true })])", list(AMOUNTS))
    assert {text: tuple(each) for text, each in zip(AMOUNTS, shown, strict=True)} == AMOUNTS
    negative = evaluate("texts.map((text) => [usd(-pico(text)), usd(-pico(text), { exact: true })])", ["24.995", "0.5"])
    assert negative == [["-$25.00", "-$24.995"], ["-$0.50", "-$0.50"]]


def test_prices_of_a_million_tokens_show_every_digit(evaluate):
    assert dict(zip(PRICES, evaluate("texts.map(perMillion)", list(PRICES)), strict=True)) == PRICES


def test_what_is_no_amount_counts_as_zero(evaluate):
    assert evaluate("texts.map((text) => String(pico(text)))", ["", "-1", "1e3", "0.0000000000001"]) == ["0"] * 4
