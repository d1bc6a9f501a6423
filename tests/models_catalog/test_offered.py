"""Only what can answer is offered: models with a provider that is configured here."""

import re

import pytest
from django.test import Client

from accounts.models import User
from gateway.routing import upstreams
from models_catalog import catalog
from models_catalog.models import Endpoint, Model, Provider, ProviderKey
from tests.conftest import signed_in

API = "/api/v1"


@pytest.fixture(autouse=True)
def environment_read_again():
    """The environment and the settings of a test are not remembered in the next one."""
    yield
    upstreams.clear()


@pytest.fixture
def only_beta(shop, settings, monkeypatch) -> None:
    """No sandbox, and a key for Beta only, which serves acme/large and acme/large:free."""
    settings.SANDBOX_PROVIDERS_URL = ""
    Provider.objects.update(base_url="https://provider.example/v1")
    monkeypatch.setenv("PROVIDER_BETA_API_KEY", "secret")
    upstreams.clear()
    catalog.touch()


@pytest.fixture
def operator(db) -> Client:
    return signed_in(User.objects.create_superuser("operator@example.com", "correct horse battery"))


def text_of(path: str, client: Client | None = None, status: int = 200) -> str:
    response = (client or Client()).get(path)
    assert response.status_code == status
    return response.content.decode()


def ids(path: str) -> set[str]:
    return {model["id"] for model in Client().get(path).json()["data"]}


def served_by(provider: str) -> set[str]:
    return set(Model.objects.filter(endpoints__provider=provider).values_list("id", flat=True))


def test_lists_counts_and_feeds_have_what_a_configured_provider_serves(only_beta):
    offered, others = served_by("beta"), served_by("alpha") - served_by("beta")
    assert offered and others
    assert ids(f"{API}/models") == offered
    assert Client().get(f"{API}/models/count").json()["data"]["count"] == len(offered)
    feed, page = text_of(f"{API}/models?use_rss=true"), text_of("/models")
    for listed in (feed, page):
        assert all(model in listed for model in offered)
        assert not any(re.search(rf"{re.escape(model)}(?![\w:-])", listed) for model in others)
    assert f"{len(offered)} model" in page
    assert [row["slug"] for row in Client().get(f"{API}/providers").json()["data"]] == ["beta"]
    assert "Alpha" not in text_of("/providers")


def test_a_model_with_two_providers_shows_the_configured_one(only_beta):
    (both,) = served_by("beta") & served_by("alpha")
    endpoints = Client().get(f"{API}/models/{both}/endpoints").json()["data"]["endpoints"]
    assert [endpoint["provider_name"] for endpoint in endpoints] == ["Beta"]
    page = text_of(f"/{both}")
    assert "One endpoint serves this model." in page and "Alpha" not in page


def test_a_model_that_no_configured_provider_serves_is_not_there_for_visitors(only_beta):
    model = min(served_by("alpha") - served_by("beta"))
    assert Client().get(f"{API}/models/{model}/endpoints").status_code == 404
    page = text_of(f"/{model}", status=404)
    assert "available here" in page and "None of its providers is set up" in page


def test_operators_see_the_rest_last_with_the_key_it_lacks(only_beta, operator):
    page = text_of("/models", operator)
    shown = re.findall(r'data-copy="([^"]+)">', page)
    assert set(shown) == served_by("alpha") | served_by("beta")
    assert set(shown[: len(served_by("beta"))]) == served_by("beta")
    assert "Needs PROVIDER_ALPHA_API_KEY" in page and "Set up providers" in page
    (both,) = served_by("beta") & served_by("alpha")
    page = text_of(f"/{both}", operator)
    assert page.count("Needs PROVIDER_ALPHA_API_KEY") == 1 and "One endpoint serves this model." in page
    alone = text_of(f"/{min(served_by('alpha') - served_by('beta'))}", operator)
    assert "visitors don’t see it" in alone and 'content="noindex"' in alone
    assert "Needs" in text_of("/models?view=table", operator)
    assert text_of("/models?q=acme/large", operator).count("<b>1</b> provider<") == 2


def test_a_setting_shows_visitors_what_is_not_available(only_beta, settings):
    settings.SHOW_UNAVAILABLE_MODELS = True
    page = text_of("/models")
    assert "Not available here" in page and "PROVIDER_ALPHA_API_KEY" not in page
    page = text_of(f"/{min(served_by('alpha') - served_by('beta'))}")
    assert "available here" in page and "PROVIDER_ALPHA_API_KEY" not in page
    assert ids(f"{API}/models") == served_by("beta")  # programs get what they can use


def test_a_key_from_the_admin_offers_its_models_and_changes_the_lists_etag(only_beta):
    before = Client().get(f"{API}/models")
    key = ProviderKey(provider_id="alpha", name="First")
    key.set_secret("sk-new-0123456789")
    key.save()
    catalog.touch()
    after = Client().get(f"{API}/models", headers={"If-None-Match": before["ETag"]})
    assert after.status_code == 200
    assert {model["id"] for model in after.json()["data"]} == served_by("alpha") | served_by("beta")


def test_without_any_provider_the_page_says_what_is_missing(shop, settings, operator):
    settings.SANDBOX_PROVIDERS_URL = ""
    upstreams.clear()
    catalog.touch()
    assert "No models are available yet" in text_of("/models")
    assert "No models found" in text_of("/models?q=large")
    assert text_of("/") and ids(f"{API}/models") == set()
    assert "0 of these models are available here" in text_of("/models", operator)


def test_an_endpoint_without_the_models_name_at_its_provider_lacks_that_and_no_key(only_beta, operator):
    Endpoint.objects.filter(provider="beta", model="acme/large:free").update(provider_model_id="")
    catalog.touch()
    page = text_of("/models", operator)
    assert "Needs its name at Beta" in page and "Needs PROVIDER_BETA_API_KEY" not in page
    assert ids(f"{API}/models") == {"acme/large"}
