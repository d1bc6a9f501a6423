"""The page with and without JavaScript: faults beside their fields, the price, the route."""

import json
import re
from typing import Any

import pytest
from django.test import Client

from accounts import access
from accounts.models import Organisation
from billing.models import CreditAccount
from gateway.models import Generation
from models_catalog.entries import Catalogue
from request_builder.views import EXAMPLE
from tests.request_builder.posting import PATH, code_in, fields, notes_in, result

HOSTILE = "</textarea><script>alert(1)</script>'\"&amp;\\ 😀\u2028\n\nlast"


def test_a_visitor_without_javascript_builds_a_request(client: Client, bundled: Catalogue):
    page = client.get(PATH, {"model": "anthropic/claude-sonnet-4.5"}).content.decode()
    assert json.loads(code_in(page)["json"]) == {
        "model": "anthropic/claude-sonnet-4.5", "messages": [{"role": "user", "content": EXAMPLE}], "stream": True,
    }  # fmt: skip
    assert [*code_in(page)] == ["curl", "python", "requests", "httpx", "typescript", "fetch", "json"]
    assert "Sign in to run" in page and 'id="run-start"' not in page

    page = client.post(PATH, fields("chat/completions", HOSTILE, act="add", temperature="0")).content.decode()
    assert "<script>alert" not in page
    assert page.count("data-message>") == 2 and "Enter a text, or remove this message." in page
    sent = json.loads(code_in(page)["json"])
    assert sent["messages"] == [{"role": "user", "content": HOSTILE}] and sent["temperature"] == 0
    posted = fields("chat/completions", "one", "two", "three")
    for act, order in (("up:2", "one three two"), ("down:0", "two one three"), ("remove:1", "one three"), ("up:x", "")):
        body = json.loads(code_in(client.post(PATH, posted | {"act": act}).content.decode())["json"])
        assert " ".join(each["content"] for each in body["messages"]) == (order or "one two three")


@pytest.mark.parametrize(
    ("name", "value", "fault"),
    [
        ("temperature", "3", "Use a number from 0 to 2."),
        ("top_p", "0", "Use a number above 0 to 1."),
        ("n", "1.5", "Use a whole number."),
        ("seed", "9" * 30, "Use a number from"),
        ("stop", "a\nb\nc\nd\ne", "Use up to 4"),
        ("tools", '[{"type": "function"}', "This isn't valid JSON: Expecting ',' delimiter at line 1, column 22."),
        ("tools", "{}", "Enter a list, in brackets."),
        ("logit_bias", '{"5": 1e999}', "a number or text that JSON can't hold"),
        ("logit_bias", '{"5": NaN}', "a number or text that JSON can't hold"),
        ("logit_bias", '{"5": 500}', "<= 100"),
        ("metadata", '{"a": "\\ud800"}', "a number or text that JSON can't hold"),
        ("metadata", "[" * 5000, "This isn't valid JSON"),
        ("metadata", '{"a":' * 70 + "1" + "}" * 70, "nested more than 60 levels"),
        ("metadata", '{"a": 1}', "Expected `str`, got `int`."),
        ("other", '{"temperature": 1}', "`temperature` is set in a field above too."),
        ("other", '{"best_of": 7}', "`best_of` above `n` is not supported."),
        ("title", "café", "ASCII"),
        ("referer", "a\nX-Evil: b", "ASCII"),
        ("service_tier", "free", "Select a valid choice."),
        ("user", "x" * 300, "at most 256 characters"),
    ],
)
def test_faults_stand_beside_their_field_with_the_remedy(
    client: Client, bundled: Catalogue, name: str, value: str, fault: str
):
    part = result(client, fields(temperature="1") | {name: value})
    notes = notes_in(part)
    assert fault in notes["errors"][name] and not notes["valid"]
    assert "This request isn’t complete." in part and json.loads(code_in(part)["json"])["model"]


def test_without_javascript_the_page_marks_the_faults(client: Client, bundled: Catalogue):
    page = client.post(PATH, fields(metadata='{"a": 1}')).content.decode()
    assert re.search(r'<textarea[^>]*name="metadata"[^>]*aria-invalid="true"', page)
    assert 'id="id_metadata_error"' in page and '<details class="card group" open>' in page


def test_faults_of_messages_schemas_and_models(client: Client, bundled: Catalogue):
    posted = fields("chat/completions", "Look", image=["javascript:alert(1)"])
    assert notes_in(result(client, posted))["messages"] == {
        "0": "Enter a URL that starts with https:// or data:image/."
    }
    assert "schema" in notes_in(result(client, fields(format="json_schema")))["errors"]
    assert "max_tokens" in notes_in(result(client, fields("messages")))["errors"]
    thinking = fields("messages", max_tokens="2000", thinking="enabled")
    assert "`budget_tokens` is required" in notes_in(result(client, thinking))["errors"]["thinking"]
    page = result(client, fields(model="openai/gpt-4o-mimi"))
    assert "No model has the ID" in page and "openai/gpt-4o-mini" in page
    embedding = next(each.id for each in bundled.models.values() if each.task == "embeddings")
    assert "doesn&#x27;t serve this API" in client.post(PATH, fields(model=embedding)).content.decode()


def test_another_api_keeps_what_both_have(client: Client, bundled: Catalogue):
    posted = fields("chat/completions", "Question", system="Be kind.", temperature="0.5", provider_only="openai, azure")
    shown: dict[str, Any] = {}
    for api in ("messages", "responses", "embeddings"):
        headers = {"HX-Request": "true", "HX-Target": "builder"}
        page = client.post(PATH, posted | {"api": api}, headers=headers).content.decode()
        assert 'hx-swap-oob="true"' in page and "<html" not in page
        shown[api] = json.loads(code_in(page)["json"])
        assert shown[api].pop("provider") == {"only": ["openai", "azure"]}
    assert shown["messages"] == {
        "model": "openai/gpt-4o-mini", "system": "Be kind.", "messages": [{"role": "user", "content": "Question"}],
        "max_tokens": 1024, "temperature": 0.5,
    }  # fmt: skip
    assert shown["responses"] == {
        "model": "openai/gpt-4o-mini", "instructions": "Be kind.", "input": "Question", "temperature": 0.5,
    }  # fmt: skip
    assert shown["embeddings"]["input"] == "Question"
    assert bundled.models[shown["embeddings"]["model"]].task == "embeddings"


def test_a_change_of_the_api_brings_its_form(client: Client, bundled: Catalogue):
    headers = {"HX-Request": "true", "HX-Target": "result"}
    chosen = client.post(PATH, fields() | {"api": "embeddings"}, headers=headers)
    assert (chosen["HX-Retarget"], chosen["HX-Reswap"]) == ("#builder", "innerHTML")
    assert 'id="id_input"' in chosen.content.decode() and 'hx-swap-oob="true"' in chosen.content.decode()
    same = client.post(PATH, fields("embeddings"), headers=headers)
    assert "HX-Retarget" not in same and 'id="id_input"' not in same.content.decode()


def test_fields_that_the_model_lacks_are_marked(client: Client, bundled: Catalogue):
    notes = notes_in(result(client, fields(model="openai/gpt-4o-mini")))
    assert "top_a" in notes["unsupported"] and "temperature" not in notes["unsupported"]


def test_a_member_sees_the_price_and_the_route_and_settings_that_exclude(
    alice_client: Client, organisation: Organisation, account: CreditAccount, bundled: Catalogue
):
    part = result(alice_client, fields("chat/completions", "Hello", max_tokens="1000"))
    price = re.search(r'id="price">(.*?)</p>', part)
    assert price and re.search(r"About \d+ prompt tokens: \$0\.0000\d+ at \w+", price[1])
    assert "Up to 1,000 tokens of output: $0.0006." in price[1]
    assert re.search(r"Goes to \w+", part)
    assert "Web search: $0.007" in result(alice_client, fields(web="on"))

    privacy = access.privacy_of(organisation)
    privacy.ignored_models = ["openai/gpt-4o-mini"]
    privacy.save()
    part = result(alice_client, fields())
    assert "Excluded by your settings" in part
    page = alice_client.get(PATH).content.decode()
    assert '<option value="openai/gpt-4o-mini">OpenAI: GPT-4o-mini (excluded by your settings)' in page
    assert "excluded by your settings" not in Client().get(PATH).content.decode()
    assert "No provider can serve this request" in result(alice_client, fields(provider_only="no-such-provider"))
    assert not Generation.objects.exists()


def test_hostile_posts_are_answered(client: Client, bundled: Catalogue):
    for posted in (
        {},
        {"api": "../../etc", "shown": "x", "act": "remove:99999"},
        {"role": ["assistant", "tool"], "text": ["", "x"], "image": ["", ""], "call": ["f " + "[" * 5000, ""]},
        {"role": ["root"], "text": ["\x00"], "image": ["\x00"]},
        {"api": "embeddings", "shown": "chat/completions", "model": "x" * 5000},
        {"text": ["a"] * 300, "role": ["user"] * 300, "image": [""] * 300},
        {"max_tokens": "1e400"},
        {"temperature": "nan"},
        {"other": '{"__proto__": {"a": 1}, "model": 5}'},
    ):
        assert client.post(PATH, posted).status_code == 200, posted
    assert client.post(PATH, fields(), headers={"HX-Request": "true", "HX-Target": "passwords"}).status_code == 200
    assert client.put(PATH).status_code == 405
    assert client.get(PATH, {"api": "x", "model": HOSTILE}).status_code == 200
    assert Client(enforce_csrf_checks=True).post(PATH, fields()).status_code == 403


def test_the_model_page_leads_here(client: Client, bundled: Catalogue):
    page = client.get("/openai/gpt-4o-mini").content.decode()
    assert f'href="{PATH}?model=openai/gpt-4o-mini">Open in request builder' in page
    embedding = next(each.id for each in bundled.models.values() if each.task == "embeddings")
    assert '"input"' in code_in(client.get(PATH, {"model": embedding}).content.decode())["json"]
