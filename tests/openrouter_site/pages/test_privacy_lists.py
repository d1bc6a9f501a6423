"""The lists of providers and models, the marks of excluded models, and the routing preview."""

import pytest

from accounts.models import PrivacySettings
from gateway.routing import upstreams
from guardrails import saving as guardrails
from keys import issuing
from keys.models import ApiKey
from keys.provider_keys import changing
from models_catalog import catalog, exclusions
from models_catalog.models import Endpoint, Provider
from tests.accounts.organisations.conftest import client_in
from tests.models_catalog.conftest import shop  # noqa: F401

LISTS, PREVIEW = "/settings/privacy/lists", "/settings/privacy/preview"
TRAINING = {"allow_paid_training": True, "allow_free_training": True, "allow_free_publication": True}


@pytest.fixture
def privacy(organisation, shop) -> PrivacySettings:  # noqa: F811
    """Settings that allow every provider."""
    return PrivacySettings.objects.create(organisation=organisation, **TRAINING)


def excluded(organisation) -> set[str]:
    return {*exclusions.of(organisation)}


def test_the_lists_are_saved_and_tell_how_many_models_they_exclude(alice_client, organisation, privacy):
    assert excluded(organisation) == set()
    page = alice_client.get(LISTS).content.decode()
    assert "Alpha" in page
    saved = alice_client.post(
        LISTS, {"ignored_providers": ["beta"], "ignored_models": "acme/small\nACME/large:free"}, follow=True
    )
    privacy.refresh_from_db()
    assert (privacy.allowed_providers, privacy.ignored_providers) == ([], ["beta"])
    assert (privacy.allowed_models, privacy.ignored_models) == ([], ["acme/small", "acme/large:free"])
    assert {"acme/small", "acme/large:free"} <= excluded(organisation)
    assert f"now exclude {len(excluded(organisation))} of" in saved.content.decode()
    alice_client.post(LISTS, {"allowed_models": "", "ignored_models": ""})
    assert excluded(organisation) == set()


def test_a_list_of_allowed_models_excludes_the_others(alice_client, organisation, privacy):
    alice_client.post(LISTS, {"allowed_models": "acme/large"})
    assert exclusions.of(organisation)["acme/small"].reason == "Not on your list of allowed models."
    assert "acme/large" not in excluded(organisation)
    alice_client.post(LISTS, {"allowed_models": "acme/*"})
    assert not {each for each in excluded(organisation) if each.startswith("acme/")}


@pytest.mark.parametrize(
    ("posted", "problem"),
    [
        ({"allowed_models": "acme/unknown"}, "The catalog doesn&#x27;t have “acme/unknown”"),
        ({"allowed_models": "openrouter/auto"}, "routers choose among models"),
        ({"ignored_models": "small"}, "isn&#x27;t a model ID"),
        ({"allowed_providers": ["unknown"]}, "Select a valid choice"),
        ({"allowed_providers": ["alpha"], "ignored_providers": ["alpha"]}, "On both lists: alpha"),
        ({"allowed_models": "acme/*", "ignored_models": "acme/*"}, "On both lists: acme/*"),
    ],
)
def test_wrong_entries_are_refused_and_nothing_is_saved(alice_client, privacy, posted, problem):
    assert problem in alice_client.post(LISTS, posted).content.decode()
    privacy.refresh_from_db()
    assert (privacy.allowed_models, privacy.ignored_models, privacy.allowed_providers) == ([], [], [])


def test_excluded_models_are_marked_for_their_reader_only(client, alice_client, privacy):
    PrivacySettings.objects.filter(pk=privacy.pk).update(ignored_models=["acme/small"])
    for address in ("/models", "/models?view=table", "/acme/small"):
        marked = alice_client.get(address).content.decode()
        assert "Excluded by your settings" in marked, address
        assert "On your list of ignored models." in marked
        assert f'href="{LISTS}"' in marked
        assert "Excluded by your settings" not in client.get(address).content.decode(), address
    assert "Your settings exclude 1 of these models" in alice_client.get("/models").content.decode()
    assert "Excluded by your settings" not in alice_client.get("/acme/large").content.decode()


def test_marking_costs_a_fixed_number_of_queries(client, alice_client, privacy, django_assert_max_num_queries):
    client.get("/models")
    with django_assert_max_num_queries(1):  # at most the look for a newer catalog
        client.get("/models")
    alice_client.get("/models")
    with django_assert_max_num_queries(12):
        alice_client.get("/models")


def test_members_see_the_lists_and_only_admins_change_them(bob, organisation, privacy):
    member = client_in(organisation, bob)
    assert "disabled" in member.get(LISTS).content.decode()
    assert member.post(LISTS, {"ignored_models": "acme/small"}).status_code == 403


def test_the_preview_shows_the_order_and_what_is_excluded(alice_client, privacy, settings):
    settings.SANDBOX_PROVIDERS_URL = "http://127.0.0.1:1"
    PrivacySettings.objects.filter(pk=privacy.pk).update(ignored_providers=["beta"])
    page = alice_client.get(PREVIEW, {"model": "acme/large"}).content.decode()
    assert "With your settings, this request goes to Alpha" in page
    assert "Excluded by your list of ignored providers." in page
    PrivacySettings.objects.filter(pk=privacy.pk).update(ignored_providers=["alpha", "beta"])
    page = alice_client.get(PREVIEW, {"model": "acme/large"}).content.decode()
    assert "No provider can serve this request" in page
    assert "is not a valid model ID" in alice_client.get(PREVIEW, {"model": "acme/none"}).content.decode()


def preview_of(client, model, key=None) -> str:
    response = client.get(PREVIEW, {"model": model, "key": key.hash if key else ""})
    assert response.status_code == 200
    return response.content.decode()


def test_the_preview_for_a_key_has_its_restrictions_and_guardrail(alice_client, alice, organisation, privacy, settings):
    settings.SANDBOX_PROVIDERS_URL = "http://127.0.0.1:1"
    small, _ = issuing.create(organisation, alice, "Small only", allowed_models=["acme/small"])
    guarded, _ = issuing.create(organisation, alice, "Guarded")
    guardrails.assign(guardrails.create(organisation, name="Team", ignored_providers=["alpha"]), alice, keys=[guarded])
    page = preview_of(alice_client, "acme/large", small)
    assert "This API key may not use acme/large" in page
    assert f'value="{small.hash}" selected' in page
    assert "this request goes to Alpha" in preview_of(alice_client, "acme/small", small)
    page = preview_of(alice_client, "acme/large", guarded)
    assert "this request goes to Beta" in page and "by the guardrail “Team”" in page
    assert "this request goes to Beta" not in preview_of(alice_client, "acme/small")
    ApiKey.objects.filter(pk=small.pk).update(disabled=True)
    assert "This API key is disabled" in preview_of(alice_client, "acme/small", small)


def test_the_preview_puts_own_keys_first_and_fallback_keys_last(alice_client, alice, organisation, privacy, settings):
    settings.SANDBOX_PROVIDERS_URL = "http://127.0.0.1:1"
    Provider.objects.filter(slug="beta").update(base_url="https://beta.example/v1")
    Endpoint.objects.update(provider_model_id="large")
    catalog.touch()
    upstreams.clear()
    own = changing.add(organisation, alice, "beta", "sk-beta-own-key-424242")
    key, _ = issuing.create(organisation, alice, "Mine")
    changing.change(own, allowed_key_hashes=[key.hash])
    page = preview_of(alice_client, "acme/large", key)
    assert "goes to Beta on your own key" in page and "On your own key <code>...4242</code>" in page
    assert "own key" not in preview_of(alice_client, "acme/large")  # of the chat: the key is for another
    changing.change(own, is_fallback=True)
    page = preview_of(alice_client, "acme/large", key)
    assert page.index("Alpha</span>") < page.index("On your own key, after shared capacity")
    upstreams.clear()


def test_the_preview_is_of_keys_that_the_reader_may_see(alice_client, bob, alice, organisation, privacy, charlie):
    mine, _ = issuing.create(organisation, alice, "Mine")
    others, _ = issuing.create(charlie.personal_organisation, charlie, "Charlie's")
    member = client_in(organisation, bob)
    for client, key in ((alice_client, others.hash), (member, mine.hash), (alice_client, "\0"), (alice_client, "é")):
        assert client.get(PREVIEW, {"model": "acme/small", "key": key}).status_code == 404
    assert "Mine" not in member.get(PREVIEW).content.decode()
