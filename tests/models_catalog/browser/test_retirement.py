"""Deprecated models on the pages: marked until they retire, then hidden unless the address asks for them."""

import re
from datetime import date

import pytest
from django.test import Client

from models_catalog import catalog
from models_catalog.models import Model

from .test_pages import page

pytestmark = pytest.mark.django_db


@pytest.fixture
def retiring(shop):
    """Small has retired, Large will."""
    Model.objects.filter(id="acme/small").update(expires_on=date(2024, 6, 30))
    Model.objects.filter(id="acme/large").update(expires_on=date(2190, 7, 31))
    catalog.touch()


def listed(text: str) -> list[str]:
    """The ids of the models shown, in order."""
    return re.findall(r'type="checkbox" name="compare" value="([^"]+)"', text)


def test_retired_models_are_hidden_until_the_address_asks_for_them(retiring):
    for view in ("", "table"):
        text = page(f"/models?view={view}")
        assert listed(text) == ["umbra/reader-7b", "acme/large:free", "acme/large"]
        assert "3 models" in text and "1 deprecated model is hidden." in text and "Retires 31 Jul 2190" in text
        text = page(f"/models?view={view}&deprecated=true")
        assert listed(text)[-1] == "acme/small" and "Retired 30 Jun 2024" in text and "4 models" in text
        assert re.search(r'name="deprecated" value="true"[^>]* checked', text) and "hidden." not in text
    assert "is hidden" not in page("/models?model_authors=umbra")


def test_the_other_links_of_the_page_keep_the_choice(retiring):
    text = page("/models?deprecated=true&model_authors=acme&q=s&view=table&compare=acme/small")
    links = re.findall(r'href="\?([^"]*)"', text)
    assert len(links) > 8 and all("deprecated=true" in link for link in links)
    response = Client().get("/models?deprecated=true&q=", headers={"HX-Request": "true"})
    assert response["HX-Push-Url"] == "/models?deprecated=true"
    assert '"deprecated":{"true":1}' in response.content.decode()


def test_without_a_retired_model_nothing_is_said(shop):
    assert "deprecated models are" not in page("/models") and "Retire" not in page("/models")


def test_a_models_page_says_whether_it_has_retired(retiring):
    assert "This model retired on 30 Jun 2024. Requests to it may fail." in page("/acme/small")
    assert "This model retires on 31 Jul 2190." in page("/acme/large")
    for path in ("/acme", "/provider/alpha"):
        assert "Retired 30 Jun 2024" in page(path) and "Retires 31 Jul 2190" in page(path)


def test_the_api_lists_them_with_their_day(retiring):
    rows = {row["id"]: row["expiration_date"] for row in Client().get("/api/v1/models").json()["data"]}
    assert rows["acme/small"] == "2024-06-30" and rows["umbra/reader-7b"] is None
