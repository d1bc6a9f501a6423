"""`/api/v1/presets`: reading presets and their versions, and creating them from requests' bodies."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.account.schemas import presets as schemas
from gateway.protocols.chat_completions.body import Body
from gateway.protocols.chat_completions.request import parse
from keys import issuing
from presets import rules, saving
from presets.content import Content
from presets.merging import merged
from presets.models import Preset, PresetVersion
from presets.pages.forms import PresetForm
from presets.pages.history import settings_of
from tests.activity.factory import make_request
from tests.api.responses import client_with, has_shape
from tests.wire import check

pytestmark = pytest.mark.usefixtures("shop")

CHAT = {
    "model": "acme/small",
    "temperature": 0.2,
    "messages": [
        {"role": "system", "content": "Be kind."},
        {"role": "developer", "content": [{"type": "text", "text": "Be brief."}]},
        {"role": "user", "content": "Where is my parcel?"},
    ],
    "stream": True,
    "user": "customer-1",
}
FUNCTION = {"name": "track", "description": "Where a parcel is", "parameters": {"type": "object"}}


def post(client, slug="support", body=CHAT, protocol="chat/completions"):
    text = body if isinstance(body, str) else json.dumps(body)
    response = client.post(f"/api/v1/presets/{slug}/{protocol}", text, content_type="application/json")
    check(f"POST /presets/{{slug}}/{protocol}", response.status_code, response.json())
    return response


def get(client, path, operation):
    response = client.get(f"/api/v1{path}")
    check(operation, response.status_code, response.json())
    return response


# --- Creating


def test_a_chat_request_becomes_a_preset_without_what_belongs_to_the_request(api, alice):
    response = post(api)
    assert response.status_code == 200
    data = response.json()["data"]
    has_shape(schemas.PresetWithVersionData, data)
    assert (data["slug"], data["name"], data["status"], data["creator_user_id"]) == (
        "support", "support", "active", alice.public_id,
    )  # fmt: skip
    version = data["designated_version"]
    assert (version["version"], version["id"]) == (1, data["designated_version_id"])
    assert version["system_prompt"] == "Be kind.\n\nBe brief."
    assert version["config"] == {"model": "acme/small", "temperature": 0.2}


def test_a_messages_request_becomes_a_preset(api):
    body = {
        "model": "acme/small",
        "max_tokens": 300,
        "system": [{"type": "text", "text": "Be kind."}],
        "messages": [{"role": "user", "content": "Hello"}],
        "tools": [{"name": "track", "description": "Where a parcel is", "input_schema": {"type": "object"}}],
        "stop_sequences": ["END"],
    }
    version = post(api, body=body, protocol="messages").json()["data"]["designated_version"]
    assert version["system_prompt"] == "Be kind."
    assert version["config"] == {
        "model": "acme/small",
        "max_tokens": 300,
        "tools": [{"type": "function", "function": FUNCTION}],
        "stop": ["END"],
    }


def test_a_responses_request_becomes_a_preset(api):
    body = {
        "model": "acme/small",
        "instructions": "Be kind.",
        "input": "Hello",
        "max_output_tokens": 300,
        "tools": [{"type": "function", **FUNCTION}],
        "tool_choice": {"type": "function", "name": "track"},
        "text": {"format": {"type": "json_schema", "name": "parcel", "schema": {"type": "object"}}},
        "store": False,
    }
    version = post(api, body=body, protocol="responses").json()["data"]["designated_version"]
    assert version["system_prompt"] == "Be kind."
    assert version["config"] == {
        "model": "acme/small",
        "max_tokens": 300,
        "tools": [{"type": "function", "function": FUNCTION}],
        "tool_choice": {"type": "function", "function": {"name": "track"}},
        "response_format": {"type": "json_schema", "json_schema": {"name": "parcel", "schema": {"type": "object"}}},
    }


def test_the_same_slug_again_is_a_new_version_and_the_same_body_is_none(api):
    first = post(api).json()["data"]
    again = post(api).json()["data"]
    assert again["designated_version"] == first["designated_version"]
    changed = post(api, body={**CHAT, "temperature": 0.7}).json()["data"]
    assert changed["id"] == first["id"]
    version = changed["designated_version"]
    assert (version["version"], version["config"]["temperature"]) == (2, 0.7)


@pytest.mark.parametrize(
    "change, place",
    [
        ({"temperature": 9}, "$.temperature"),
        ({"model": "acme/gpt-77"}, "$.model"),
        ({"models": ["acme/small", "acme/unknown"]}, "$.models"),
        ({"model": "@preset/other"}, "$.model"),
        ({"models": ["acme/small@preset/other"]}, "$.models"),
        ({"provider": {"sort": 5}}, "$.provider.sort"),
        ({"provider": {"max_price": {"prompt": "cheap"}}}, "provider.max_price.prompt"),
        ({"reasoning": {"effort": "enormous"}}, "$.reasoning.effort"),
        ({"plugins": [{"id": "web", "max_results": 999}]}, "$.plugins[0].max_results"),
        ({"cache_enabled": "yes"}, "$.cache_enabled"),
        ({"cache_ttl_seconds": 90_000}, "$.cache_ttl_seconds"),
        ({"messages": [{"role": "system", "content": "x" * (rules.MAX_SYSTEM_PROMPT + 1)}]}, "$.system_prompt"),
        ({"logit_bias": {str(token): 1 for token in range(20_000)}}, "100,000 bytes"),
    ],
)
def test_a_body_that_no_request_may_have_is_refused_by_place(api, change, place):
    response = post(api, body={**CHAT, **change})
    assert response.status_code == 400
    assert place in response.json()["error"]["message"]
    assert not Preset.objects.exists()


@pytest.mark.parametrize("protocol", ["chat/completions", "messages", "responses"])
@pytest.mark.parametrize("body", ["", "{", "[]", "5", '{"tools": 5}', '{"messages": 5, "input": 5, "model": []}'])
def test_a_body_that_is_no_request_is_400(api, protocol, body):
    assert post(api, body=body, protocol=protocol).status_code == 400


@pytest.mark.parametrize("slug", ["Support", "-a", "a_b", "a" * 65, "create", "%00", "ü"])
def test_a_slug_must_fit_into_the_name_of_a_model(api, slug):
    response = post(api, slug=slug)
    assert (response.status_code, "Invalid slug" in response.json()["error"]["message"]) == (400, True)


def test_an_archived_preset_gets_no_version(api):
    post(api)
    saving.switch(Preset.objects.get(), Preset.Status.ARCHIVED)
    response = post(api, body={**CHAT, "temperature": 1})
    assert (response.status_code, "Restore it" in response.json()["error"]["message"]) == (409, True)


def test_an_account_has_so_many_presets_and_a_preset_so_many_versions(api, monkeypatch):
    monkeypatch.setattr(saving, "MAX_PRESETS", 1)
    monkeypatch.setattr(saving, "MAX_VERSIONS", 2)
    post(api)
    assert post(api, slug="second").status_code == 409
    assert post(api, body={**CHAT, "temperature": 1}).status_code == 200
    response = post(api, body={**CHAT, "temperature": 2})
    assert (response.status_code, "Duplicate it" in response.json()["error"]["message"]) == (409, True)
    assert PresetVersion.objects.count() == 2


@given(
    st.dictionaries(
        st.sampled_from([*sorted(Body.__struct_fields__), "cache_enabled", "cache_ttl_seconds", "other"]),
        st.recursive(
            st.none() | st.booleans() | st.integers(-5, 300) | st.text(max_size=4) | st.sampled_from(["id", "web"]),
            lambda inner: (
                st.lists(inner, max_size=2)
                | st.dictionaries(
                    st.sampled_from(["id", "type", "function", "name", "sort", "effort"]), inner, max_size=3
                )
            ),
            max_leaves=4,
        ),
        max_size=4,
    )
)
@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_body_is_too_strange(api, fields):
    """A body is refused, or saved so that requests can use it and the pages show it."""
    response = post(api, body={**CHAT, **fields})
    assert response.status_code in {200, 400}
    if response.status_code == 200:
        config = response.json()["data"]["designated_version"]["config"]
        parse(merged(config, {"preset": "support", "messages": CHAT["messages"]}))
        initial = PresetForm(preset=Preset.objects.get(), content=Content(config=config)).initial
        assert isinstance(initial.get("advanced", ""), str)
        settings_of(Content(config=config))


# --- Reading


def test_presets_are_listed_newest_first_in_pages(api):
    for slug in ("first", "second", "third"):
        post(api, slug=slug)
    listed = get(api, "/presets?limit=2", "GET /presets").json()
    assert ([preset["slug"] for preset in listed["data"]], listed["total_count"]) == (["third", "second"], 3)
    has_shape(schemas.PresetData, listed["data"][0])
    assert [preset["slug"] for preset in get(api, "/presets?offset=2", "GET /presets").json()["data"]] == ["first"]
    for query in ("limit=0", "limit=101", "offset=-1", "offset=x"):
        assert get(api, f"/presets?{query}", "GET /presets").status_code == 400


def test_a_preset_and_its_versions_are_read(api):
    post(api)
    post(api, body={**CHAT, "temperature": 0.9})
    preset = get(api, "/presets/support", "GET /presets/{slug}").json()["data"]
    assert preset["designated_version"]["config"]["temperature"] == 0.9
    versions = get(api, "/presets/support/versions", "GET /presets/{slug}/versions").json()
    assert ([each["version"] for each in versions["data"]], versions["total_count"]) == ([2, 1], 2)
    one = get(api, "/presets/support/versions/1", "GET /presets/{slug}/versions/{version}").json()["data"]
    assert one == versions["data"][1]
    for version, status in (("3", 404), ("x", 400), ("-1", 400), ("9" * 30, 400)):
        path = f"/presets/support/versions/{version}"
        assert get(api, path, "GET /presets/{slug}/versions/{version}").status_code == status


def test_a_preset_of_another_account_does_not_exist(api, stranger):
    post(api)
    assert get(stranger, "/presets", "GET /presets").json() == {"data": [], "total_count": 0}
    for path in ("", "/versions", "/versions/1"):
        operation = "GET /presets/{slug}" + path.replace("1", "{version}")
        assert get(stranger, f"/presets/support{path}", operation).status_code == 404
    post(stranger, body={**CHAT, "temperature": 1})  # a preset of their own
    assert get(api, "/presets/support", "GET /presets/{slug}").json()["data"]["designated_version"]["version"] == 1
    assert Preset.objects.count() == 2


def test_a_key_is_needed(client):
    assert client.get("/api/v1/presets").status_code == 401


def test_a_preset_whose_content_can_no_longer_be_decrypted_is_gone(api):
    post(api)
    PresetVersion.objects.update(content="damaged")
    response = get(api, "/presets/support", "GET /presets/{slug}")
    assert (response.status_code, "can no longer decrypt" in response.json()["error"]["message"]) == (410, True)
    assert post(api).status_code == 200  # saving it again mends it


def test_a_member_who_is_deleted_leaves_presets_without_a_creator(organisation, api, bob):
    member = client_with(issuing.create(organisation, bob, "Bob's")[1])
    post(member)
    bob.delete()
    data = get(api, "/presets/support", "GET /presets/{slug}").json()["data"]
    assert (data["creator_user_id"], data["designated_version"]["creator_id"]) == (None, "")


def test_a_generation_names_its_preset(api, account, organisation, alice):
    preset = saving.create(organisation, alice, slug="support", name="Support", content=Content(config={}))
    row = make_request(account, preset_version_id=preset.designated_version_id)
    response = api.get(f"/api/v1/generation?id={row.pk}")
    assert response.json()["data"]["preset_id"] == preset.public_id
