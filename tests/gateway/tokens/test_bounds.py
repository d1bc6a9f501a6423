"""What a prompt may count as: never less than it does count as, whatever it is made of."""

import base64
import random
import string
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.tokens import bounds
from gateway.tokens.bounds import PREAMBLE_TOKENS, estimate_tokens, prompt_texts
from gateway.tokens.estimates import MESSAGE_OVERHEAD, PROMPT_OVERHEAD

toktok = pytest.importorskip("toktok")

VOCABULARIES = ("cl100k_base", "o200k_base", "o200k_harmony", "qwen3.5")

#: Characters that unfold, combine or are rare, beside those that everybody uses.
CHARACTERS = st.one_of(
    st.characters(exclude_categories=("Cs",)),
    st.sampled_from("\u0344\u0b5d\u0f43\u0f78\u0fac\u2adc\ufa6c\ufb2c\U0001d160\U0001d1bf\u0301\u0323éक\u093cﷺ"),
    st.sampled_from(string.ascii_letters + string.digits + string.punctuation + string.whitespace),
)
TEXTS = st.one_of(
    st.text(CHARACTERS, max_size=300),
    st.text(" abz1.\n", max_size=300),
    st.text("kq qkzjX", max_size=300),
    st.text(st.characters(categories=("Nd", "Mn", "So", "Cn", "Co")), max_size=200),
    st.binary(max_size=300).map(lambda data: base64.b64encode(data).decode()),
    st.tuples(st.text(CHARACTERS, min_size=1, max_size=4), st.integers(1, 200)).map(lambda pair: pair[0] * pair[1]),
)

ENGLISH = (
    "Every request is admitted only when the account can pay for it. The amount is an upper bound, and it is released "
    "as soon as the answer has been counted; what the answer really costs is known only then. "
)
CHINESE = (
    "每个请求只有在账户余额足够支付时才会被接受。预留的金额是一个上限，回答计数完成后立即释放；真正的费用到那时才知道。"
)
CODE = '''
def settle(account: Account, cost: int) -> int:
    """The balance afterwards; raises ValueError for a cost below zero."""
    if cost < 0:
        raise ValueError(f"cost is {cost}")
    for entry in account.entries:
        account.total += entry.amount * 2
    return account.total - cost
'''


def bound(text: str) -> int:
    return bounds.text_bound(text, text.encode())


def counts(text: str) -> dict[str, int]:
    return {name: toktok.batch_count([text], name, 1)[0] for name in VOCABULARIES}


@settings(deadline=None)
@given(TEXTS)
def test_no_text_has_more_tokens_than_its_bound(text):
    assert max(counts(text).values()) <= bound(text)


def test_no_character_has_more_tokens_than_its_bound():
    characters = [chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000]
    for name in VOCABULARIES:
        found = toktok.batch_count(characters, name, 0)
        assert all(count <= bound(each) for each, count in zip(characters, found, strict=True)), name


def test_every_character_that_normalising_makes_longer_is_known():
    for code in range(0x80, 0x110000):
        character = chr(code)
        if 0xD800 <= code < 0xE000:
            continue
        growth = len(unicodedata.normalize("NFC", character).encode()) - len(character.encode())
        assert growth <= (bounds._GROWTH_BYTES if character.encode().startswith(bounds._GROWING) else 0), hex(code)


def test_random_text_comes_close_to_the_bound():
    """So there is nothing to gain from a bolder one."""
    chance = random.Random(1)
    rare = "".join(chr(chance.randrange(0x3400, 0x4DBF)) for _ in range(1000))
    for text in (rare, "a1" * 1000, "kq" * 1000):
        assert max(counts(text).values()) > 0.95 * bound(text)


@pytest.mark.parametrize("text", [ENGLISH, CHINESE, CODE], ids=["English", "Chinese", "code"])
def test_ordinary_text_is_not_taken_for_more_than_about_four_times_its_tokens(text):
    for name in ("cl100k_base", "o200k_base"):
        assert bound(text * 20) < 4.2 * counts(text * 20)[name], name


@settings(deadline=None)
@given(st.lists(st.fixed_dictionaries({"role": st.just("user"), "content": TEXTS}), min_size=1, max_size=4))
def test_no_conversation_has_more_tokens_than_its_bound(messages):
    texts = list(prompt_texts(messages))
    most = estimate_tokens(messages, {"messages": messages}).bound
    for name in VOCABULARIES:
        assert sum(toktok.batch_count(texts, name, 1)) + MESSAGE_OVERHEAD * len(messages) + PROMPT_OVERHEAD <= most


LONG = "Zq9 " * 1000


@pytest.mark.parametrize(
    ("message", "body"),
    [
        ({"name": LONG}, {}),
        ({"reasoning": LONG}, {}),
        ({"reasoning_details": [{"type": "reasoning.text", "text": LONG}]}, {}),
        ({"content": [{"type": "refusal", "refusal": LONG}]}, {}),
        ({"tool_calls": [{"function": {"name": "f", "arguments": LONG}}]}, {}),
        ({}, {"tools": [{"type": "function", "function": {"name": "f", "description": LONG}}]}),
        ({}, {"functions": [{"name": "f", "description": LONG}]}),
        ({}, {"response_format": {"type": "json_schema", "json_schema": {"schema": {"description": LONG}}}}),
        ({}, {"prediction": {"type": "content", "content": LONG}}),
        ({}, {"documents": [{"text": LONG}]}),
    ],
)
def test_everything_that_may_become_part_of_the_prompt_weighs(message, body):
    most = estimate_tokens([{"role": "user", "content": "Hi"} | message], body).bound
    assert most > max(counts(LONG).values())


def test_what_only_the_gateway_reads_weighs_nothing():
    body = {"model": LONG, "provider": {"only": [LONG]}, "metadata": {"note": LONG}, "max_tokens": 5, "stream": True}
    assert estimate_tokens([{"role": "user", "content": "Hi"}], body).bound < PREAMBLE_TOKENS + 20
