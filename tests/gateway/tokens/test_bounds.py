"""No prompt has more tokens than its bound, whatever it is made of."""

import base64
import random
import string
import unicodedata
from operator import le

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.tokens.bounds import PREAMBLE_TOKENS, estimate_tokens, prompt_texts, text_bound
from gateway.tokens.estimates import MESSAGE_OVERHEAD, PROMPT_OVERHEAD

toktok = pytest.importorskip("toktok")

#: One that normalizes its text, and two that do not. (`o200k_harmony` counts text as `o200k_base` does: it only adds
#: special tokens, which no text is turned into.)
VOCABULARIES = ("cl100k_base", "o200k_base", "qwen3.5")

#: Unicode has assigned characters only below the first of these code points, and a few from the second on; everything
#: else is unassigned or for private use.
ASSIGNED_END, TAGS, TAGS_END = 0x40000, 0xE0000, 0xE1000

#: Characters that grow when normalized, combine or are rare, besides common ones.
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
    return text_bound(text, text.encode())


def counts(text: str) -> dict[str, int]:
    return {name: toktok.batch_count([text], name, 1)[0] for name in VOCABULARIES}


def changed_by_normalizing() -> list[str]:
    """All characters that NFC replaces by others.

    A text that contains such a character is not normalized, so whole blocks without one are told at once.
    """
    blocks = [range(start, start + 256) for start in range(0, 0x110000, 256) if not 0xD800 <= start < 0xE000]
    suspect = [block for block in blocks if not unicodedata.is_normalized("NFC", "".join(map(chr, block)))]
    characters = [chr(code) for block in suspect for code in block]
    return [character for character in characters if not unicodedata.is_normalized("NFC", character)]


def representative_characters() -> list[str]:
    """Every assigned character, and a systematic sample of the others.

    No vocabulary has tokens for unassigned or private characters and NFC does not change them, so that all of the same
    length in UTF-8 are counted alike. The step is a prime number: the sample meets every value of the last bytes.
    """
    codes = [*range(ASSIGNED_END), *range(TAGS, TAGS_END)]
    characters = [chr(code) for code in codes if not 0xD800 <= code < 0xE000]
    assigned = [one for one in characters if unicodedata.category(one) not in {"Cn", "Co"}]
    return assigned + [chr(code) for code in range(0xE000, 0x110000, 127)]


@settings(deadline=None, max_examples=60)
@given(st.lists(TEXTS, min_size=1, max_size=6))
def test_no_text_and_no_conversation_has_more_tokens_than_its_bound(texts):
    """The texts of an example are counted together: a call of the tokenizer takes milliseconds, whatever its texts."""
    messages = [{"role": "user", "content": text} for text in texts]
    assert list(prompt_texts(messages)) == texts
    limit = estimate_tokens(messages, {"messages": messages}).bound
    for name in VOCABULARIES:
        found = toktok.batch_count(texts, name, 1)
        assert all(map(le, found, map(bound, texts))), name
        assert sum(found) + MESSAGE_OVERHEAD * len(texts) + PROMPT_OVERHEAD <= limit, name


def test_no_character_has_more_tokens_than_its_bound():
    characters = representative_characters()
    limits = [bound(character) for character in characters]
    for name in VOCABULARIES:
        found = toktok.batch_count(characters, name, 0)
        assert all(map(le, found, limits)), name


def test_only_characters_below_the_known_ends_are_assigned():
    """Python's Unicode tables decide what a sample has to cover."""
    beyond = [chr(code) for start, end in ((ASSIGNED_END, TAGS), (TAGS_END, 0x110000)) for code in range(start, end)]
    assert set(map(unicodedata.category, beyond)) == {"Cn", "Co"}


def test_the_bound_covers_every_character_that_normalizing_makes_longer():
    changed = changed_by_normalizing()
    assert len(changed) > 1000
    for character in changed:
        assert len(unicodedata.normalize("NFC", character).encode()) <= bound(character), hex(ord(character))


def test_random_text_comes_close_to_the_bound():
    """A lower bound would be wrong for it."""
    chance = random.Random(1)
    rare = "".join(chr(chance.randrange(0x3400, 0x4DBF)) for _ in range(1000))
    for text in (rare, "a1" * 1000, "kq" * 1000):
        assert max(counts(text).values()) > 0.95 * bound(text)


@pytest.mark.parametrize("text", [ENGLISH, CHINESE, CODE], ids=["English", "Chinese", "code"])
def test_the_bound_of_ordinary_text_is_at_most_about_four_times_its_tokens(text):
    for name in ("cl100k_base", "o200k_base"):
        assert bound(text * 20) < 4.2 * counts(text * 20)[name], name


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
def test_everything_that_may_become_part_of_the_prompt_counts(message, body):
    limit = estimate_tokens([{"role": "user", "content": "Hi"} | message], body).bound
    assert limit > max(counts(LONG).values())


def test_fields_that_only_the_gateway_reads_do_not_count():
    body = {"model": LONG, "provider": {"only": [LONG]}, "metadata": {"note": LONG}, "max_tokens": 5, "stream": True}
    assert estimate_tokens([{"role": "user", "content": "Hi"}], body).bound < PREAMBLE_TOKENS + 20
