"""The site as programs read it."""

import json
from xml.etree import ElementTree

import pytest
from django.test import Client

from documentation.library import current
from tests.models_catalog.conftest import bundled, bundled_rows  # noqa: F401

pytestmark = pytest.mark.django_db


def test_llms_txt_names_every_page_and_the_links_are_markdown(client: Client):
    response = client.get("/llms.txt")
    assert response["Content-Type"] == "text/plain; charset=utf-8"
    text = response.content.decode()
    assert text.startswith("# OpenRouter\n\n> One API")
    for page in current().pages:
        assert f"{page.url}.md): {page.summary}" in text
    assert client.get("/llms.txt", headers={"If-None-Match": response["ETag"]}).status_code == 304


def test_llms_full_has_the_whole_documentation(client: Client):
    text = client.get("/llms-full.txt").content.decode()
    assert all(page.markdown in text for page in current().pages)


def test_the_openapi_document_is_the_one_of_the_api(client: Client):
    response = client.get("/openapi.json")
    assert json.loads(response.content) == json.loads(client.get("/api/v1/openapi.json").content)
    assert response["Access-Control-Allow-Origin"] == "*"


def test_the_sitemap_has_pages_models_and_the_documentation(client: Client, bundled):  # noqa: F811
    tree = ElementTree.fromstring(client.get("/sitemap.xml").content)
    paths = [each.text.removeprefix("http://127.0.0.1:8000") for each in tree.iter() if each.text and each.text.strip()]
    assert {
        "/",
        "/models",
        "/pricing",
        "/docs/quickstart",
        "/openai/gpt-4o-mini",
        "/openai",
        "/provider/openai",
    } <= set(paths)
    assert len(paths) == len(set(paths))
    assert "sitemap.xml" in client.get("/robots.txt").content.decode()
    for path in (paths[1], "/openai/gpt-4o:extended", "/openai", "/provider/openai"):
        assert path in paths and client.get(path).status_code == 200


def test_prices_and_support_are_linked_from_every_page(client: Client):
    footer = client.get("/terms").content.decode().partition("<footer")[2]
    for path in ("/docs", "/pricing", "/support", "/terms"):
        assert f'href="{path}"' in footer
    assert "support@example.com" in client.get("/support").content.decode()
