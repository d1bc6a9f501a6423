"""Tokens are counted the same way everywhere: in prompts, in answers, in chunks, in usage."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.providers.prompts import tokens as tokenizer
from tests.sandbox.provider import fault, tokens

TEXTS = st.text(max_size=200) | st.text(alphabet="aé日🙂 \n\t.,12-_", max_size=80)


@settings(deadline=None)
@given(TEXTS)
def test_tokens_joined_are_the_text(text):
    assert "".join(tokenizer.split(text)) == text
    assert tokenizer.count(text) == len(tokenizer.split(text))


@settings(deadline=None)
@given(TEXTS, st.integers(0, 50))
def test_cutting_between_tokens_changes_no_token(text, kept):
    pieces = tokenizer.split(text)[:kept]
    assert tokenizer.split("".join(pieces)) == pieces


def test_words_and_pieces_of_words_are_tokens():
    assert tokenizer.split("Hello, wonderful world!\n\n12345") == [
        "Hello", ",", " wonderfu", "l", " world", "!", "\n\n", "123", "45",
    ]  # fmt: skip


@pytest.mark.parametrize("count", [0, 1, 2, 63, 64, 1000])
def test_an_exact_number_of_tokens_is_streamed_counted_and_replied(providers, count):
    stream = providers.stream("openai", headers=tokens(count), stream_options={"include_usage": True})
    assert len(stream.pieces) == count == tokenizer.count(stream.text)
    assert stream.usages[0]["completion_tokens"] == count
    reply = providers.post("openai", headers=tokens(count)).json()
    assert reply["choices"][0]["message"]["content"] == stream.text
    assert reply["usage"]["completion_tokens"] == count


@pytest.mark.parametrize("limit", [1, 2, 17, 60])
@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
def test_a_limit_is_kept_exactly_and_called_length(providers, limit, name):
    stream = providers.stream("openai", "Tell me about tea", seed=1, **{name: limit})
    assert (len(stream.pieces), stream.finishes) == (limit, ["length"])
    full = providers.say("Tell me about tea")
    assert full.startswith(stream.text) and len(full) > len(stream.text)


def test_the_limit_counts_reasoning_too(providers):
    reply = providers.post("openai", "Tell me about tea", seed=1, max_tokens=5, reasoning_effort="high").json()
    assert reply["usage"]["completion_tokens"] == 5
    assert reply["usage"]["completion_tokens_details"]["reasoning_tokens"] == 5
    assert (reply["choices"][0]["message"]["content"], reply["choices"][0]["finish_reason"]) == ("", "length")


def test_a_limit_above_the_answer_changes_nothing(providers):
    reply = providers.post("openai", "Say exactly: pong", max_tokens=500).json()
    assert (reply["choices"][0]["message"]["content"], reply["choices"][0]["finish_reason"]) == ("pong", "stop")
    assert reply["usage"]["completion_tokens"] == 1


def test_a_limit_holds_for_an_exact_number_of_tokens_too(providers):
    stream = providers.stream("openai", headers=tokens(50), max_tokens=20)
    assert (len(stream.pieces), stream.finishes) == (20, ["length"])


@pytest.mark.parametrize("stop", ["four", ["six", "four"], [" four"]])
def test_a_stop_sequence_ends_the_answer_before_it(providers, stop):
    reply = providers.post("openai", "Say exactly: one two three four five six", stop=stop).json()
    content = reply["choices"][0]["message"]["content"]
    assert (content.strip(), reply["choices"][0]["finish_reason"]) == ("one two three", "stop")
    assert reply["usage"]["completion_tokens"] == tokenizer.count(content)


def test_prompts_are_counted_by_message(providers):
    def prompt(messages, **fields):
        return providers.post("openai", messages, tokens(1), **fields).json()["usage"]["prompt_tokens"]

    assert prompt("one two three") == 3 + 3
    assert prompt([{"role": "system", "content": "one"}, {"role": "user", "content": "two three"}]) == 3 + 1 + 3 + 2
    assert prompt([{"role": "user", "content": [{"type": "text", "text": "one two"}]}]) == 3 + 2
    image = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}
    low = {"type": "image_url", "image_url": {"url": "https://example.com/a.png", "detail": "low"}}
    assert prompt([{"role": "user", "content": [image]}]) == 3 + 765
    assert prompt([{"role": "user", "content": [low]}]) == 3 + 85
    tool = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
    assert prompt("one", tools=[tool]) > prompt("one")


def test_tool_calls_are_counted_as_they_are_streamed(providers):
    tools = [
        {
            "type": "function",
            "function": {
                "name": "look_up",
                "parameters": {"type": "object", "properties": {"word": {"type": "string"}}},
            },
        }
    ]
    fields = {"tools": tools, "tool_choice": "required", "seed": 1, "stream_options": {"include_usage": True}}
    stream = providers.stream("openai", "tea", **fields)
    calls = [call for delta in stream.deltas for call in delta.get("tool_calls") or ()]
    assert (
        stream.usages[0]["completion_tokens"]
        == len(calls)
        == 1 + sum(bool(call["function"]["arguments"]) for call in calls)
    )


LONG = "The quick brown fox jumps over the lazy dog. " * 60


def test_a_prompt_seen_before_is_cached_in_whole_blocks(providers):
    def cached(prompt, **fields):
        usage = providers.post("openai", prompt, tokens(1), **fields).json()["usage"]
        assert usage["prompt_tokens_details"]["cached_tokens"] <= usage["prompt_tokens"]
        return usage["prompt_tokens_details"]["cached_tokens"]

    assert cached(LONG) == 0
    again = cached(LONG)
    assert again > 500 and again % 64 == 0
    assert cached(LONG + " And then?") == again
    assert cached("Once. " + LONG) == 0
    assert cached(LONG, model="openai/other") == 0
    assert cached("A short prompt") == cached("A short prompt") == 0


def test_a_conversation_that_grows_is_cached_up_to_its_last_turn(providers):
    first = [{"role": "user", "content": LONG}]
    grown = [*first, {"role": "assistant", "content": "Indeed."}, {"role": "user", "content": "Why?"}]
    providers.post("openai", first, tokens(1))
    usage = providers.post("openai", grown, tokens(1)).json()["usage"]
    assert usage["prompt_tokens"] - 100 < usage["prompt_tokens_details"]["cached_tokens"] < usage["prompt_tokens"]


def test_caches_belong_to_one_key_and_one_session(providers):
    def cached(headers):
        usage = providers.post("openai", LONG, {**tokens(1), **headers}).json()["usage"]
        return usage["prompt_tokens_details"]["cached_tokens"]

    assert cached({}) == 0
    assert cached({}) > 0
    assert cached({"Authorization": "Bearer another"}) == 0
    assert cached({"X-Sandbox-Session": f"{providers.session}-2"}) == 0


def test_a_marked_prompt_reports_what_it_wrote_into_the_cache(providers):
    parts = [{"type": "text", "text": LONG, "cache_control": {"type": "ephemeral"}}, {"type": "text", "text": "Why?"}]
    messages = [{"role": "user", "content": parts}]
    first, second = (providers.post("openai", messages, tokens(1)).json()["usage"] for _ in range(2))
    written = first["prompt_tokens_details"]["cache_write_tokens"]
    assert first["prompt_tokens_details"]["cached_tokens"] == 0 and written > 500
    assert second["prompt_tokens_details"] == {"cached_tokens": written}


def test_usage_can_be_dictated(providers):
    headers = {"X-Sandbox-Usage": "prompt=1000, completion=50,cached=200,cache_write=30,reasoning=10", **tokens(2)}
    assert providers.post("openai", headers=headers).json()["usage"] == {
        "prompt_tokens": 1000,
        "completion_tokens": 50,
        "total_tokens": 1050,
        "prompt_tokens_details": {"cached_tokens": 200, "cache_write_tokens": 30},
        "completion_tokens_details": {"reasoning_tokens": 10},
    }


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Sandbox-Usage": "prompt=many"},
        {"X-Sandbox-Usage": "luck=3"},
        tokens(-1),
        {"X-Sandbox-Tokens": "2000000"},
        {"X-Sandbox-Delay": "-1"},
        {"X-Sandbox-Moon": "full"},
    ],
)
def test_a_header_that_makes_no_sense_is_refused(providers, headers):
    response = providers.post("openai", headers=headers)
    assert (response.status_code, response.json()["error"]["code"]) == (400, "sandbox_header")


def test_log_probabilities_are_given_for_each_token(providers):
    fields = {"logprobs": True, "top_logprobs": 2}
    content = providers.post("openai", "Say exactly: one two", **fields).json()["choices"][0]["logprobs"]["content"]
    assert [one["token"] for one in content] == ["one", " two"]
    assert all(one["logprob"] <= 0 and len(one["top_logprobs"]) == 2 for one in content)
    streamed = providers.stream("openai", "Say exactly: one two", **fields).choices
    assert [choice["logprobs"]["content"] for choice in streamed if choice["logprobs"]] == [[content[0]], [content[1]]]


def test_faults_do_not_change_the_count(providers):
    stream = providers.stream(
        "openai", headers={**tokens(5), **fault("*=duplicate-finish")}, stream_options={"include_usage": True}
    )
    assert [usage["completion_tokens"] for usage in stream.usages] == [5]
