"""Queries, prompts and citations of web searches: pure functions."""

import time
from datetime import date

import pytest
from django.core.exceptions import ImproperlyConfigured
from hypothesis import given
from hypothesis import strategies as st

from gateway.protocols.chat_completions.request import parse
from gateway.tokens.bounds import estimate_tokens
from gateway.web_search.citations import annotations
from gateway.web_search.options import Options, options_of
from gateway.web_search.prompt import max_prompt_tokens, query_of, truncated, with_results
from gateway.web_search.result import Result
from openrouter_site import env

TODAY = date(2026, 3, 9)
PAGE = Result(title="Tea", url="https://tea.example.com/leaf", content="Tea is a drink.", published="2024-05-01")


def user(content):
    return {"role": "user", "content": content}


# --- The query ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("messages", "query"),
    [
        ([user("What is tea?")], "What is tea?"),
        ([user("First"), {"role": "assistant", "content": "Yes"}, user("Second")], "Second"),
        ([user("Look it up"), {"role": "assistant", "content": None}, {"role": "tool", "content": "42"}], "Look it up"),
        ([user("  many\n\n  spaces ")], "many spaces"),
        ([user([{"type": "text", "text": "a"}, {"type": "image_url"}, {"type": "text", "text": "b"}])], "a b"),
        ([user([{"type": "text"}])], ""),
        ([user(None)], ""),
        ([{"role": "system", "content": "Be kind."}], ""),
    ],
)
def test_the_query_is_the_text_of_the_last_user_message(messages, query):
    assert query_of(messages) == query


def test_the_query_of_a_long_message_is_its_beginning_and_its_end():
    query = query_of([user("Please review this contract. " + "clause " * 5000 + "Is it valid in Norway?")])
    assert len(query) <= 400
    assert query.startswith("Please review this contract. clause")
    assert query.endswith("clause Is it valid in Norway?")


@given(st.text(max_size=2000))
def test_a_query_has_at_most_four_hundred_characters(text):
    assert len(query_of([user(text)])) <= 400


# --- The prompt -----------------------------------------------------------------------------------------


def test_the_results_and_the_date_stand_before_the_last_user_message():
    messages = [user("Hi"), {"role": "assistant", "content": "Hello"}, user("Tea?"), {"role": "tool", "content": "x"}]
    prompt = with_results(messages, [PAGE], Options(), TODAY)
    assert [message["role"] for message in prompt] == ["user", "assistant", "system", "user", "tool"]
    added = prompt[2]["content"]
    assert added.startswith("A web search was conducted on 2026-03-09. ")
    assert added.endswith("\n\n[1] Tea\nURL: https://tea.example.com/leaf\nPublished: 2024-05-01\nTea is a drink.")
    assert messages[2] == prompt[3] and len(messages) == 4


def test_long_results_are_truncated_and_those_with_long_urls_dropped():
    long = Result(title="T\n" * 900, url="https://a.example.com", content="ß" * 9000)
    long_url = Result(title="", url="https://a.example.com/" + "x" * 600, content="")
    (first, second) = truncated([long_url, long, PAGE, PAGE], Options(max_results=2))
    assert len(first.title) == 300 and "\n" not in first.title
    assert first.content == "ß" * 1000
    assert second == PAGE


@given(
    st.lists(
        st.builds(
            Result,
            title=st.text(max_size=400),
            url=st.text(max_size=700),
            content=st.text(max_size=4000),
            published=st.just("2024-05-01"),
        ),
        max_size=30,
    ),
    st.builds(Options, max_results=st.integers(1, 25), search_prompt=st.text(max_size=500)),
)
def test_results_add_at_most_the_tokens_that_were_estimated(results, options):
    before = estimate_tokens([user("Tea?")], {}).bound
    after = estimate_tokens(with_results([user("Tea?")], truncated(results, options), options, TODAY), {}).bound
    assert after - before <= max_prompt_tokens(options)


# --- Citations ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "cited"),
    [
        ("See [tea.example.com](https://tea.example.com/leaf).", "[tea.example.com](https://tea.example.com/leaf)"),
        ("😀 See [[1] tea](https://tea.example.com/leaf)!", "[[1] tea](https://tea.example.com/leaf)"),
        ("First https://tea.example.com/leaf, then", "https://tea.example.com/leaf"),
        ("https://tea.example.com/leaf [a](https://tea.example.com/leaf)", "[a](https://tea.example.com/leaf)"),
        ("Only https://tea.example.com/leaflets", ""),
        ("Nothing", ""),
        ("", ""),
    ],
)
def test_a_citation_spans_the_link(text, cited):
    (note,) = annotations(text, [PAGE])
    citation = note["url_citation"]
    assert text[citation["start_index"] : citation["end_index"]] == cited
    if not cited:
        assert citation["start_index"] == len(text)
    assert (note["type"], citation["url"], citation["title"]) == ("url_citation", PAGE.url, "Tea")
    assert citation["content"] == PAGE.content


def test_links_are_found_in_linear_time():
    text = "[" * 50_000 + "[x" * 50_000 + PAGE.url
    began = time.process_time()
    annotations(text, [PAGE] * 25)
    assert time.process_time() - began < 5


# --- Options and settings ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "models", "default", "expected"),
    [
        ("acme/one:online", [], "acme/one", True),
        ("acme/one:FREE:Online", [], "acme/one", True),
        ("acme/one", ["acme/two:online"], "acme/one", True),
        (None, [], "acme/one:online", True),
        ("acme/one", [], "acme/one:online", False),
        ("online/online", [], "acme/one", False),
        ("acme/one:onliner", [], "acme/one", False),
    ],
)
def test_online_is_a_suffix_of_any_requested_model(model, models, default, expected):
    request = parse({"model": model, "models": models, "messages": [user("Hi")]})
    assert (options_of(request, default) is not None) is expected


@pytest.mark.parametrize("wrong", ["", "free", "-0.01", "NaN", "Infinity"])
def test_an_invalid_price_is_refused(monkeypatch, wrong):
    monkeypatch.setenv("SOME_PRICE", wrong)
    with pytest.raises(ImproperlyConfigured, match="SOME_PRICE"):
        env.price("SOME_PRICE", "0.007")


def test_an_unknown_choice_is_refused_and_an_empty_one_is_the_default(monkeypatch):
    monkeypatch.setenv("SOME_CHOICE", "")
    assert env.choice("SOME_CHOICE", ("a", "b"), "b") == "b"
    monkeypatch.setenv("SOME_CHOICE", "A")
    assert env.choice("SOME_CHOICE", ("a", "b"), "b") == "a"
    monkeypatch.setenv("SOME_CHOICE", "c")
    with pytest.raises(ImproperlyConfigured, match="a, b"):
        env.choice("SOME_CHOICE", ("a", "b"), "b")
