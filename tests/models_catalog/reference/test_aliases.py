"""`~author/family-latest`: the newest model of a family, wherever a model may be named."""

import re
from datetime import date
from typing import Any

import pytest
from django.test import Client

from models_catalog import catalog
from models_catalog.models import Model
from models_catalog.reference.families import FAMILIES
from tests.api.catalog.test_models import get
from tests.gateway.routing.examples import A, catalogue, model
from tests.models_catalog.conftest import add_endpoint, add_model

ALIAS = "~anthropic/claude-haiku-latest"


@pytest.fixture
def haiku(shop: dict[str, Model]) -> None:
    """Three models of a family: an older one, a newer one, the newest hidden; and one of another family."""
    provider = shop["acme/small"].endpoints.get().provider
    for slug, days, price in (("3.5", 1, "0.000001"), ("4.5", 5, "0.000002"), ("5", 9, "0.000003")):
        added = add_model(f"anthropic/claude-haiku-{slug}", f"Haiku {slug}", days=days, hidden=slug == "5")
        add_endpoint(added, provider, price, "0.000004")
    add_endpoint(add_model("anthropic/claude-haiku-5-image", "Haiku 5 Image", days=9), provider, "0.1", "0.1")
    catalog.touch()


def test_an_alias_mirrors_the_newest_visible_model_of_its_family(haiku):
    row = next(row for row in get("/models")["data"] if row["id"] == ALIAS)
    target = get("/model/anthropic/claude-haiku-4.5")["data"]
    assert row["alias_target"] == {"slug": "anthropic/claude-haiku-4.5", "name": "Anthropic: Haiku 4.5"}
    assert row["canonical_slug"] == ALIAS
    assert row["name"] == "Anthropic: Claude Haiku Latest"
    for name in ("pricing", "context_length", "created", "supported_parameters", "top_provider"):
        assert row[name] == target[name]
    assert "alias_target" not in target
    assert get(f"/model/{ALIAS}")["data"] == row
    assert get(f"/models/{ALIAS}/endpoints")["data"]["id"] == ALIAS


def test_a_family_without_a_model_here_has_no_alias(haiku):
    aliases = [row["id"] for row in get("/models")["data"] if row["id"].startswith("~")]
    assert aliases == [ALIAS]
    get("/model/~anthropic/claude-opus-latest", 404)


def test_an_alias_moves_to_a_newer_model(haiku):
    Model.objects.filter(id="anthropic/claude-haiku-5").update(hidden=False)
    catalog.touch()
    assert get(f"/model/{ALIAS}")["data"]["alias_target"]["slug"] == "anthropic/claude-haiku-5"


def test_of_two_models_of_one_day_the_higher_version_is_newer(haiku):
    Model.objects.filter(id__startswith="anthropic/claude-haiku").update(created=1_700_000_000, hidden=False)
    catalog.touch()
    assert get(f"/model/{ALIAS}")["data"]["alias_target"]["slug"] == "anthropic/claude-haiku-5"


def test_the_page_of_an_alias_leads_to_its_models(haiku):
    response = Client().get(f"/{ALIAS}")
    assert (response.status_code, response["Location"]) == (302, "/anthropic/claude-haiku-4.5")


def test_lists_and_counts_have_aliases_and_the_feed_of_new_models_has_none(haiku):
    assert get("/models/count")["data"]["count"] == len(get("/models")["data"])
    assert ALIAS in Client().get("/models?q=haiku").content.decode()
    assert [row["id"] for row in get("/models?q=haiku+latest")["data"]] == [ALIAS]
    assert "~anthropic" not in Client().get("/api/v1/models?use_rss=true").content.decode()


# --- The families ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.alias)
def test_every_family_has_a_model_in_the_bundled_catalog(family, bundled):
    target = bundled.aliases[family.alias].alias_of
    assert target is not None and target.alias_of is None
    assert not target.variant and target.id in bundled.models
    members = [model for model in bundled.models.values() if family.members.fullmatch(model.id)]
    assert target.created == max(model.created for model in members)


def test_the_aliases_have_the_documented_shape(bundled):
    body: Any = get("/models?q=latest")
    aliases = [row for row in body["data"] if row["id"].startswith("~")]
    assert len(aliases) == len(FAMILIES)
    for row in aliases:
        assert re.fullmatch(r"~[\w.-]+/[\w.-]+-latest", row["id"])
        assert row["alias_target"].keys() == {"slug", "name"}


def test_a_retiring_model_has_the_newest_that_stays_as_successor():
    june, july = date(2026, 6, 30), date(2026, 7, 1)
    known = catalogue(
        model("x-ai/grok-3", A, created=1, expires_on=june),
        model("x-ai/grok-4", A, created=2, expires_on=july),
        model("x-ai/grok-5", A, created=3, expires_on=june),
        model("x-ai/grok-mini", A, created=9),
    )
    assert known.successor_of("x-ai/grok-3", june) == "x-ai/grok-4"
    assert known.successor_of("x-ai/grok-3", july) == ""
    assert known.successor_of("acme/one", june) == ""


def test_a_models_page_and_listing_say_when_it_retires(shop: dict[str, Model], client: Client):
    assert get("/model/acme/small")["data"]["expiration_date"] is None
    Model.objects.filter(id="acme/small").update(expires_on=date(2030, 6, 30))
    catalog.touch()
    assert get("/model/acme/small")["data"]["expiration_date"] == "2030-06-30"
    assert "This model retires on 30 Jun 2030." in client.get("/acme/small").content.decode()
