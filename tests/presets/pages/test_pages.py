"""Pages of presets: create, edit, versions, duplicate, disable, archive and undo."""

import json
import re

import pytest
from django.urls import reverse

from presets import rules, saving
from presets.content import opened
from presets.models import Preset, PresetVersion
from presets.pages.forms import PresetForm
from tests.models_catalog.conftest import shop  # noqa: F401 a fixture

pytestmark = pytest.mark.usefixtures("shop")

LIST = "/settings/presets"
FILLED = {
    "name": "Customer support",
    "model": "acme/small",
    "models": "acme/large\numbra/reader-7b",
    "system_prompt": "Be kind.\r\nBe brief.",
    "temperature": "0.25",
    "top_p": "0.9",
    "max_tokens": "500",
    "effort": "low",
    "sort": "price",
    "only": "alpha, beta",
    "zdr": "on",
    "no_collection": "on",
    "advanced": '{"stop": ["END"], "provider": {"allow_fallbacks": false}, "reasoning": {"exclude": true}}',
}
CONFIG = {
    "model": "acme/small",
    "models": ["acme/large", "umbra/reader-7b"],
    "temperature": 0.25,
    "top_p": 0.9,
    "max_tokens": 500,
    "stop": ["END"],
    "reasoning": {"exclude": True, "effort": "low"},
    "provider": {
        "allow_fallbacks": False, "sort": "price", "only": ["alpha", "beta"], "zdr": True, "data_collection": "deny",
    },
}  # fmt: skip


def create(client, **fields):
    return client.post(f"{LIST}/create", {"name": "Customer support", **fields})


def content_of(slug="customer-support"):
    return opened(Preset.objects.get(slug=slug).designated_version)


def values_in(form: PresetForm) -> dict[str, str]:
    """The values that a browser sends of the form as it is shown."""
    return {
        name: "on" if value is True else value
        for name in form.fields
        if (value := form[name].value()) is not None and value is not False
    }


# --- Creating and editing


def test_the_empty_list_says_what_presets_are_for_and_how_to_use_one(alice_client):
    page = alice_client.get(LIST).content.decode()
    assert "No presets yet" in page
    assert "@preset/customer-support" in page
    assert f'href="{LIST}/create"' in page


def test_every_field_of_the_form_becomes_a_field_of_requests(alice_client):
    response = create(alice_client, **FILLED)
    assert (response.status_code, response.url) == (302, f"{LIST}/customer-support")
    content = content_of()
    assert content.config == CONFIG
    assert content.system_prompt == "Be kind.\nBe brief."


def test_the_form_of_a_preset_shows_its_content_and_saving_it_unchanged_changes_nothing(alice_client):
    create(alice_client, **FILLED)
    content = content_of()
    form = alice_client.get(f"{LIST}/customer-support/edit").context["form"]
    sent = values_in(form)
    assert (sent["models"], sent["only"], sent["effort"]) == ("acme/large\numbra/reader-7b", "alpha, beta", "low")
    assert json.loads(sent["advanced"]) == {
        "stop": ["END"], "provider": {"allow_fallbacks": False}, "reasoning": {"exclude": True},
    }  # fmt: skip
    response = alice_client.post(f"{LIST}/customer-support/edit", {**sent, "name": "Help desk"})
    assert response.url == f"{LIST}/customer-support"
    preset = Preset.objects.get()
    assert (preset.name, preset.slug, preset.versions.count()) == ("Help desk", "customer-support", 1)
    assert content_of() == content


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"provider": {"sort": {"by": "price", "partition": "none"}, "data_collection": "allow", "zdr": False}},
        {"provider": {"sort": "exacto"}, "reasoning": {"max_tokens": 100}},
        {"temperature": 0, "model": "acme/small:online", "cache_enabled": True, "cache_ttl_seconds": 60},
        {"tools": [{"type": "function", "function": {"name": "ü", "parameters": {}}}]},
    ],
)
def test_content_that_has_no_field_survives_the_form(alice_client, make_preset, config):
    make_preset("made-by-api", "<b>&\u2028", **config)
    before = content_of("made-by-api")
    form = alice_client.get(f"{LIST}/made-by-api/edit").context["form"]
    assert alice_client.post(f"{LIST}/made-by-api/edit", values_in(form)).status_code == 302
    assert content_of("made-by-api") == before


@pytest.mark.parametrize(
    "fields, field, words",
    [
        ({"name": ""}, "name", "required"),
        ({"name": "?!"}, "slug", "Invalid slug"),
        ({"slug": "Not A Slug"}, "slug", "Invalid slug"),
        ({"slug": "create"}, "slug", "reserved"),
        ({"model": "acme/unknown"}, "model", "acme/unknown is not a valid model ID"),
        ({"models": "acme/small\nacme/unknown"}, "models", "acme/unknown is not a valid model ID"),
        ({"model": "@preset/other"}, "model", "cannot use another preset"),
        ({"temperature": "3"}, "temperature", "less than or equal to 2"),
        ({"top_p": "0"}, "top_p", "> 0.0"),
        ({"max_tokens": "0"}, "max_tokens", "greater than or equal to 1"),
        ({"advanced": "{"}, "advanced", "not valid JSON"),
        ({"advanced": "[]"}, "advanced", "must be a JSON object"),
        ({"advanced": '{"temperature": 1}', "temperature": "1"}, "advanced", "set in a field above too"),
        ({"advanced": '{"provider": 5}', "sort": "price"}, "advanced", "`provider` must be an object"),
        ({"advanced": '{"provider": {"order": 5}}'}, "advanced", "$.provider.order"),
        ({"advanced": '{"messages": []}'}, "advanced", "belongs to a request"),
        ({"advanced": '{"frequency_penalty": 9}'}, "advanced", "$.frequency_penalty"),
        ({"system_prompt": "x" * (rules.MAX_SYSTEM_PROMPT + 1)}, "system_prompt", "at most 100000"),
    ],
)
def test_a_fault_stands_beside_its_field_and_the_input_stays(alice_client, fields, field, words):
    response = create(alice_client, **fields)
    assert response.status_code == 422
    errors = response.context["form"].errors
    assert list(errors) == [field]
    assert words in errors[field][0]
    assert not Preset.objects.exists()


def test_a_taken_slug_is_refused_and_names_the_preset(alice_client, make_preset):
    make_preset("customer-support")
    response = create(alice_client)
    assert "is taken by “Customer-Support”. Choose another." in response.context["form"].errors["slug"][0]
    saving.switch(Preset.objects.get(), Preset.Status.ARCHIVED)
    assert "Restore it" in create(alice_client).context["form"].errors["slug"][0]


# --- Versions


def test_versions_show_what_changed_and_an_earlier_one_can_be_used_again(alice_client, make_preset):
    preset = make_preset("support", "Be kind.", temperature=0.2, stop=["A"])
    edit = f"{LIST}/support/edit"
    alice_client.post(edit, {"name": "Support", "system_prompt": "Be very kind.", "temperature": "0.7"})
    page = alice_client.get(f"{LIST}/support")
    newest, first = page.context["entries"]
    shown = [(change.name, change.before, change.after) for change in newest.changes]
    assert shown == [
        ("system prompt", "8 characters", "13 characters"),
        ("stop", "A", None),
        ("temperature", "0.2", "0.7"),
    ]
    assert first.version.number == 1
    assert re.findall(r"versions/(\d+)/use", page.content.decode()) == ["1"]

    used = alice_client.post(f"{LIST}/support/versions/1/use", follow=True)
    assert "Requests use version 1 now." in used.content.decode()
    preset.refresh_from_db()
    assert preset.designated_version.number == 1
    # The next save is a version after the newest, not after the one in use.
    alice_client.post(edit, {"name": "Support", "system_prompt": "New."})
    assert list(preset.versions.order_by("number").values_list("number", flat=True)) == [1, 2, 3]
    assert alice_client.post(f"{LIST}/support/versions/9/use").status_code == 404


def test_versions_come_in_pages(alice_client, make_preset, monkeypatch):
    monkeypatch.setattr("presets.pages.views.VERSIONS_PER_PAGE", 2)
    make_preset("support")
    for number in range(1, 5):
        alice_client.post(f"{LIST}/support/edit", {"name": "Support", "max_tokens": str(number)})
    last, page = [alice_client.get(f"{LIST}/support?page={number}").context["entries"] for number in (3, 2)]
    assert [entry.version.number for entry in page] == [3, 2]
    assert [(change.before, change.after) for entry in page for change in entry.changes] == [("1", "2"), (None, "1")]
    assert [entry.version.number for entry in last] == [1]


def test_a_preset_that_cannot_be_decrypted_can_be_entered_again(alice_client, make_preset):
    make_preset("support", "Be kind.")
    PresetVersion.objects.update(content="damaged")
    for path in ("", "/support", "/support/edit"):
        assert "decrypt" in alice_client.get(LIST + path).content.decode()
    assert alice_client.post(f"{LIST}/support/duplicate", follow=True).status_code == 200
    assert alice_client.post(f"{LIST}/support/edit", {"name": "Support", "system_prompt": "New."}).status_code == 302
    assert content_of("support").system_prompt == "New."


# --- Status


def test_a_preset_is_disabled_archived_and_restored(alice_client, make_preset):
    preset = make_preset("support")

    def switch(status, **fields):
        response = alice_client.post(f"{LIST}/support/switch", {"status": status, **fields}, follow=True)
        preset.refresh_from_db()
        assert preset.status == status
        return response.content.decode()

    assert "is disabled. Requests with it fail until you enable it." in switch("disabled")
    assert preset.status_updated_at is not None
    archived = switch("archived")
    assert "is archived.</strong>" in archived and "Undo" in archived and "/support/edit" not in archived
    listed = alice_client.get(f"{LIST}?status=archived").content.decode()
    assert "Restore" in listed and 'href="/settings/presets/support"' in listed
    assert "“Support” is active." in switch("active", **{"from": "list"})
    assert alice_client.post(f"{LIST}/support/switch", {"status": "deleted"}).status_code == 400


def test_restoring_needs_room(alice_client, make_preset, monkeypatch):
    preset = make_preset("support")
    saving.switch(preset, Preset.Status.ARCHIVED)
    make_preset("other")
    monkeypatch.setattr(saving, "MAX_PRESETS", 1)
    page = alice_client.post(f"{LIST}/support/switch", {"status": "active"}, follow=True).content.decode()
    assert "You have 1 presets, the maximum" in page
    assert "You have 1 presets, the maximum" in create(alice_client).content.decode()


def test_a_copy_has_a_name_and_a_slug_of_its_own(alice_client, make_preset):
    make_preset("support", "Be kind.", temperature=0.2)
    for slug in ("support-copy", "support-copy-2"):
        response = alice_client.post(f"{LIST}/support/duplicate")
        assert response.url == f"{LIST}/{slug}/edit"
        assert content_of(slug) == content_of("support")


# --- Who may


PATHS = ["", "/edit", "/switch", "/duplicate", "/versions/1/use"]


@pytest.mark.parametrize("path", PATHS)
def test_presets_of_another_organization_do_not_exist(charlie_client, make_preset, path):
    preset = make_preset("support", "Be kind.")
    for send in (charlie_client.get, charlie_client.post):
        response = send(f"{LIST}/support{path}", {"status": "archived"})
        assert response.status_code in {404, 405}
    assert "support" not in charlie_client.get(LIST).context["page"].object_list
    preset.refresh_from_db()
    assert preset.status == "active"


def test_members_share_the_presets_of_their_organization(bob_client, make_preset):
    make_preset("support", "Be kind.")
    assert "Support" in bob_client.get(LIST).content.decode()
    assert bob_client.post(f"{LIST}/support/edit", {"name": "Support", "system_prompt": "By Bob."}).status_code == 302
    assert "by bob@example.com" in bob_client.get(f"{LIST}/support").content.decode()


@pytest.mark.parametrize("path", ["", "/create", "/support", "/support/edit"])
def test_visitors_sign_in_first(client, make_preset, path):
    make_preset("support")
    response = client.get(LIST + path)
    assert (response.status_code, response.url.startswith(reverse("account_login"))) == (302, True)


def test_the_chat_offers_active_presets(alice_client, make_preset):
    make_preset("support")
    saving.switch(make_preset("old"), Preset.Status.DISABLED)
    setup = alice_client.get("/chat?model=@preset/support").context["setup"]
    assert [(preset["id"], preset["name"]) for preset in setup["presets"]] == [("@preset/support", "Support")]
    assert setup["models"] == ["@preset/support"]
