"""Models that a provider no longer lists are not offered; a provider that says nothing useful changes nothing."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from gateway.providers.listed_models import compare
from gateway.routing import upstreams
from models_catalog.models import Endpoint
from tests.gateway import factory
from tests.models_catalog.loading.servers import running

LIST = ("GET", "/v1/models")


@pytest.fixture
def offered(db, settings, monkeypatch) -> Iterator[Any]:
    """Compare with a provider that answers like this; the IDs of the models offered afterwards."""
    settings.SANDBOX_PROVIDERS_URL = ""
    for name in ("acme/one", "acme/two"):
        factory.endpoint(factory.model(name), "cheap", factory.CHEAP)

    def after(answers: dict[Any, Any]) -> set[str]:
        with running(answers) as url:
            monkeypatch.setenv("PROVIDER_CHEAP_BASE_URL", f"{url}/v1")
            monkeypatch.setenv("PROVIDER_CHEAP_API_KEY", "secret")
            upstreams.clear()
            compare()
            return {model["id"] for model in Client().get("/api/v1/models").json()["data"]}

    yield after
    upstreams.clear()


def listing(*names: str) -> dict[Any, Any]:
    return {LIST: {"data": [{"id": name} for name in names]}}


def test_a_model_is_offered_while_its_provider_lists_it(offered):
    assert offered(listing("ONE", "two")) == {"acme/one", "acme/two"}
    assert offered(listing("one")) == {"acme/one"}
    row = Endpoint.objects.get(model="acme/two")
    assert row.unlisted_since is not None
    assert offered(listing("one")) == {"acme/one"}
    assert Endpoint.objects.get(model="acme/two").unlisted_since == row.unlisted_since
    assert offered(listing("one", "two", "three")) == {"acme/one", "acme/two"}


@pytest.mark.parametrize("answers", [{}, {LIST: {"data": []}}, {LIST: {"error": "x"}}, {LIST: []}, listing("other")])
def test_a_list_that_tells_nothing_changes_nothing(offered, answers):
    offered(listing("one"))
    assert offered(answers) == {"acme/one"}


def test_a_provider_that_is_not_called_any_more_has_nothing_unlisted(offered, monkeypatch):
    offered(listing("one"))
    monkeypatch.delenv("PROVIDER_CHEAP_BASE_URL")
    monkeypatch.delenv("PROVIDER_CHEAP_API_KEY")
    upstreams.clear()
    assert compare() == 1
    assert not Endpoint.objects.filter(unlisted_since__isnull=False).exists()
