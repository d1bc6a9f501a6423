"""Estimated token counts: by a tokenizer if it is installed, else by length; never above the hold."""

import sys
import time

import pytest

from gateway.events import Delta
from gateway.models import Generation
from gateway.tokens import tokenizers
from gateway.tokens.estimates import ResponseText
from models_catalog.catalog import ModelEntry

SENTENCE = "The quick brown fox jumps over the lazy dog."  # ten tokens in either of OpenAI's vocabularies


def model(model_id: str, tokenizer: str) -> ModelEntry:
    fields = dict.fromkeys(ModelEntry.__dataclass_fields__)
    return ModelEntry(**fields | {"id": model_id, "tokenizer": tokenizer})


@pytest.fixture
def no_package(monkeypatch):
    monkeypatch.setitem(sys.modules, "toktok", None)  # importing it fails
    tokenizers.find_package.cache_clear()
    yield
    tokenizers.find_package.cache_clear()


@pytest.mark.parametrize(
    ("model_id", "tokenizer", "vocabulary"),
    [
        ("openai/gpt-3.5-turbo", "GPT", "cl100k_base"),
        ("openai/gpt-4", "GPT", "cl100k_base"),
        ("openai/gpt-4-turbo", "GPT", "cl100k_base"),
        ("openai/gpt-4o-mini", "GPT", "o200k_base"),
        ("openai/gpt-4.1", "GPT", "o200k_base"),
        ("openai/o3", "GPT", "o200k_base"),
        ("meta-llama/llama-3.1-8b", "Llama3", "cl100k_base"),
        ("anthropic/claude-sonnet-4", "Claude", "o200k_base"),
    ],
)
def test_a_model_is_counted_with_its_own_vocabulary_or_the_nearest(model_id, tokenizer, vocabulary):
    assert tokenizers.vocabulary_of(model(model_id, tokenizer)) == vocabulary


@pytest.mark.parametrize("vocabulary", ["o200k_base", "cl100k_base"])
def test_counts_are_those_of_openais_tokenizer(vocabulary):
    assert tokenizers.count([SENTENCE], vocabulary) == (10, False)
    assert tokenizers.count([SENTENCE, "Hello, world!"], vocabulary) == (14, False)
    assert tokenizers.count(["<|endoftext|>"], vocabulary)[0] > 1  # in a text it is not a special token
    assert tokenizers.count(["\ud800", ""], vocabulary)[0] >= 1  # half of a surrogate pair


def test_hostile_texts_are_counted_fast():
    started = time.process_time()
    for text in (" " * 1_000_000, "a" * 1_000_000, "!?" * 500_000, "\n \n" * 300_000, "é" * 500_000):
        assert 0 < tokenizers.count([text], "o200k_base")[0] <= len(text.encode())
    assert time.process_time() - started < 10


def test_without_the_package_four_characters_are_a_token_and_the_count_is_marked(no_package):
    assert tokenizers.count([SENTENCE, "abc"], "o200k_base") == (12, True)


def test_all_text_of_a_response_counts_and_an_endless_one_does_not_fill_the_memory():
    response = ResponseText(max_bytes=len(SENTENCE))
    response.add(Delta(text="The quick brown fox", reasoning=" jumps over"))
    response.add(Delta(tool_calls=[{"index": 0, "function": {"name": " the", "arguments": " lazy dog."}}]))
    response.add(Delta(images=[{"image_url": {"url": "data:,"}}]))
    assert response.count("o200k_base") == (10, False)
    response.add(Delta(text="x" * 400))
    assert response.count("o200k_base")[0] == 110
    assert len(response) == len(SENTENCE)


async def test_a_missing_count_is_estimated_by_the_tokenizer(api):
    answer = await api.chat(f"Say exactly: {SENTENCE}", fault="cheap=no-usage")
    body = answer.json()
    assert body["choices"][0]["message"]["content"] == SENTENCE
    assert body["usage"]["completion_tokens"] == 10
    assert 10 < body["usage"]["prompt_tokens"] < 25
    assert body["usage"]["is_estimated"] is True
    row = await api.generation()
    assert row.token_source == Generation.TokenSource.ESTIMATE
    assert row.cost == row.prompt_tokens * 1_000_000 + 10 * 2_000_000
    await api.assert_books_balance()


async def test_a_count_by_length_is_marked_as_one(api, no_package):
    await api.chat(f"Say exactly: {SENTENCE}", fault="cheap=no-usage", stream=True)
    row = await api.generation()
    assert (row.token_source, row.completion_tokens) == (Generation.TokenSource.LENGTH, 11)


async def test_counts_that_the_provider_reports_are_not_marked(api):
    assert "is_estimated" not in (await api.chat(tokens=5)).json()["usage"]


async def test_an_estimate_is_never_above_the_hold(api):
    """A prompt with many tokens per character, and a response above its `max_tokens`."""
    rare = "".join(chr(0x2400 + 7 * number % 0x900) for number in range(3000))
    await api.chat(rare, fault="cheap=no-usage", max_tokens=1000)
    row = await api.generation()
    assert row.token_source == Generation.TokenSource.ESTIMATE
    assert row.prompt_tokens > 2000
    assert 0 < row.cost <= row.hold
    await api.assert_books_balance()
