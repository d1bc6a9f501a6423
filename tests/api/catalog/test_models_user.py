"""`/api/v1/models/user`: what `/models` lists, as far as the privacy settings allow it."""

import pytest
from django.test import Client

from accounts.access import privacy_of
from gateway import callers
from gateway.routing import catalogue_cache, upstreams
from guardrails import saving as guardrails
from keys import issuing
from keys.provider_keys import changing
from models_catalog import catalog
from models_catalog.models import Provider
from tests.gateway import factory


@pytest.fixture
def models(transactional_db):
    factory.endpoint(factory.model("acme/open"), "kind", factory.CHEAP)
    factory.endpoint(factory.model("acme/nosy"), "curious", factory.CHEAP, trains=True)


def listed(client: Client, query: str = "") -> list[str]:
    answer = client.get(f"/api/v1/models/user{query}")
    assert answer.status_code == 200, answer.content
    assert answer.headers["Cache-Control"] == "no-store"
    body = answer.json()
    assert body["total_count"] >= len(body["data"])
    return sorted(model["id"] for model in body["data"])


def test_models_that_the_privacy_settings_exclude_are_left_out(models, account, organisation, alice):
    client = Client(headers={"Authorization": f"Bearer {issuing.create(organisation, alice, 'program')[1]}"})
    assert listed(client) == ["acme/open"]
    privacy = privacy_of(organisation)
    privacy.allow_paid_training = True
    privacy.save()
    callers.clear()
    assert listed(client) == ["acme/nosy", "acme/open"]
    assert listed(client, "?q=nosy") == ["acme/nosy"]
    assert len(listed(client, "?limit=1")) == 1
    assert client.get("/api/v1/models/user?limit=none").status_code == 400


def test_models_that_the_keys_guardrail_excludes_are_left_out(models, account, organisation, alice):
    key, secret = issuing.create(organisation, alice, "program")
    client = Client(headers={"Authorization": f"Bearer {secret}"})
    assert listed(client) == ["acme/open"]
    team = guardrails.create(organisation, name="Team", ignored_providers=["kind"])
    guardrails.assign(team, alice, keys=[key])
    callers.clear()
    assert listed(client) == []


def test_a_key_lists_only_the_models_that_it_allows(models, account, organisation, alice):
    factory.endpoint(factory.model("beta/open"), "kind", factory.CHEAP)
    _, secret = issuing.create(organisation, alice, "program", allowed_models=["beta/*"])
    assert listed(Client(headers={"Authorization": f"Bearer {secret}"})) == ["beta/open"]


def test_it_needs_a_key(models, client):
    assert client.get("/api/v1/models/user").status_code == 401


@pytest.fixture
def with_own_key(transactional_db, settings, monkeypatch, account, organisation, alice):
    """The site has a key for "kind" only; Alice's account has one for "shy", which serves acme/other alone."""
    settings.SANDBOX_PROVIDERS_URL = ""
    open_, other = factory.model("acme/open"), factory.model("acme/other")
    for served, provider in ((open_, "kind"), (open_, "shy"), (other, "shy"), (factory.model("acme/odd"), "odd")):
        factory.endpoint(served, provider, factory.CHEAP)
    Provider.objects.update(base_url="https://provider.example/v1")
    monkeypatch.setenv("PROVIDER_KIND_API_KEY", "secret")
    upstreams.clear()
    catalog.touch()
    key = changing.add(organisation, alice, "shy", "sk-alices-own-key-4242")
    callers.clear()
    catalogue_cache.clear()
    yield key
    upstreams.clear()


def test_models_that_only_an_own_key_makes_available_are_listed_for_its_account(
    with_own_key, organisation, alice, alice_client, charlie_client
):
    client = Client(headers={"Authorization": f"Bearer {issuing.create(organisation, alice, 'program')[1]}"})
    assert listed(client) == ["acme/open", "acme/other"]
    assert [model["id"] for model in Client().get("/api/v1/models").json()["data"]] == ["acme/open"]
    assert [model["id"] for model in alice_client.get("/chat/models").json()["data"]] == ["acme/other"]
    assert charlie_client.get("/chat/models").json() == {"data": []}
    for chosen, expected in (({"allowed_models": ["acme/open"]}, ["acme/open"]), ({"disabled": True}, ["acme/open"])):
        changing.change(with_own_key, **chosen)
        callers.clear()
        assert listed(client) == expected


def test_privacy_settings_exclude_those_models_too(with_own_key, organisation, alice, alice_client):
    factory.provider("shy", trains=True, base_url="https://provider.example/v1")
    catalog.touch()
    catalogue_cache.clear()
    client = Client(headers={"Authorization": f"Bearer {issuing.create(organisation, alice, 'program')[1]}"})
    assert listed(client) == ["acme/open"]
