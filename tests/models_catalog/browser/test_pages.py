"""The catalogue's pages."""

import html
import json
import re

import pytest
from django.test import Client

from models_catalog import catalog
from models_catalog.models import Endpoint, Model, Provider
from tests.models_catalog.conftest import add_endpoint


def page(path: str, status: int = 200) -> str:
    response = Client().get(path)
    assert response.status_code == status
    return response.content.decode()


def listed(text: str) -> list[str]:
    """The ids of the models shown, in order."""
    return re.findall(r'data-copy="([^"]+)">', text) or re.findall(r"<code>([^<]+/[^<]+)</code></th>", text)


# --- The browser ----------------------------------------------------------------------------------


def test_a_visitor_browses_models_without_signing_in(shop):
    text = page("/models")
    assert "4 models" in text
    assert listed(text) == ["umbra/reader-7b", "acme/large:free", "acme/large", "acme/small"]
    assert "$2.50" in text and "$10.00" in text
    assert text.count("<h1") == 1


def test_the_page_and_the_api_find_the_same(bundled):
    for query in (
        "q=gemini",
        "max_price=0",
        "supported_parameters=tools&context=1000000",
        "providers=groq&sort=newest",
    ):
        ids = [row["id"] for row in Client().get(f"/api/v1/models?{query}").json()["data"]]
        text = page(f"/models?{query}&view=table")
        assert listed(text) == ids[:50]
        assert f"{len(ids)} model" in text


def test_free_models_have_an_address(shop):
    text = page("/models?max_price=0")
    assert listed(text) == ["acme/large:free"]
    assert re.search(r'name="max_price" value="0"[^>]* checked', text)


def test_the_state_is_in_the_address(shop):
    text = page("/models?q=large&input_modalities=image&model_authors=acme&sort=pricing-high-to-low&view=table")
    assert 'value="large"' in text
    for control in (
        'name="input_modalities" value="image"',
        'name="model_authors" value="acme"',
        'name="view" value="table"',
    ):
        assert re.search(re.escape(control) + r"[^>]* checked", text)
    assert '<option value="pricing-high-to-low" selected>' in text
    assert listed(text) == ["acme/large", "acme/large:free"]


def test_each_filter_in_force_can_be_dropped_by_a_link(shop):
    text = page("/models?q=large&model_authors=acme,umbra&max_price=0&view=table")
    chips = {
        html.unescape(label): html.unescape(href)
        for href, label in re.findall(
            r'<a class="chip" href="(\?[^"]*)"><span class="vh">Remove filter</span> ([^<]+)<svg', text
        )
    }
    assert chips == {
        "“large”": "?max_price=0&model_authors=acme,umbra&view=table",
        "Free": "?q=large&model_authors=acme,umbra&view=table",
        "Author: Acme": "?q=large&max_price=0&model_authors=umbra&view=table",
        "Author: Umbra": "?q=large&max_price=0&model_authors=acme&view=table",
    }
    assert 'href="?view=table">Clear all' in text


def test_an_empty_result_says_which_filter_to_drop(shop):
    text = page("/models?model_authors=umbra&max_price=0")
    assert "No models found" in text
    offers = re.findall(r'<a class="btn" href="\?([^"]*)">.*?</svg>([^<]+)<span class="faint num">(\d+) model', text)
    assert offers == [("model_authors=umbra", "Free", "1"), ("max_price=0", "Author: Umbra", "1")] or offers == [
        ("max_price=0", "Author: Umbra", "1"),
        ("model_authors=umbra", "Free", "1"),
    ]


def test_a_catalogue_without_models_says_so(db):
    text = page("/models")
    assert "The catalog is empty" in text and "load_catalogue" in text


def test_a_bad_parameter_is_left_out_and_named(shop):
    text = page("/models?context=lots&page=nine&view=<i>")
    assert "Filter ignored (context: expected a whole number" in text
    assert "4 models" in text and "<i>" not in text


def test_filters_the_rail_does_not_show_are_carried_along(shop):
    text = page("/models?min_price=0.5&distillable=false&min_coding_index=3")
    assert '<input type="hidden" name="min_price" value="0.5">' in text
    assert '<input type="hidden" name="distillable" value="false">' in text
    assert '<input type="hidden" name="min_coding_index" value="3">' in text


def test_long_results_come_in_pages(bundled):
    first, last = page("/models"), page("/models?page=9")
    assert len(listed(first)) == 50 and "1–50 of 422" in first
    assert 'rel="next" href="?page=2"' in first and 'rel="prev"' not in first
    assert len(listed(last)) == 22 and 'rel="next"' not in last and 'rel="prev" href="?page=8"' in last
    seen = {each for number in range(1, 10) for each in listed(page(f"/models?page={number}&sort=pricing-low-to-high"))}
    assert len(seen) == 422


def test_htmx_gets_the_results_alone_and_a_clean_address(shop):
    response = Client(headers={"HX-Request": "true"}).get("/models?q=large&context=&max_price=&sort=&view=")
    text = response.content.decode()
    assert text.lstrip().startswith('<div id="results"') and "<html" not in text
    assert response["HX-Push-Url"] == "/models?q=large"
    assert "HX-Request" in response["Vary"]
    counts = json.loads(html.unescape(re.findall(r"data-counts='([^']*)'", text)[0]))
    assert counts["model_authors"] == {"acme": 2}
    back = Client(headers={"HX-Request": "true", "HX-History-Restore-Request": "true"}).get("/models?q=large")
    assert "<html" in back.content.decode()


def test_what_a_visitor_types_cannot_break_out_of_the_page(shop):
    hostile = '"><script>alert(1)</script>'
    for path in ("/models", "/models?view=table"):
        text = page(path + ("&" if "?" in path else "?") + "q=" + hostile + "&model_authors=" + hostile)
        assert "<script>alert" not in text
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text


def test_counts_cannot_break_out_of_their_attribute(shop):
    hostile = "x'><b>&quot;\""
    Model.objects.filter(id="acme/small").update(tokenizer=hostile)
    catalog.touch()
    text = Client(headers={"HX-Request": "true"}).get("/models").content.decode()
    counts = json.loads(html.unescape(re.findall(r"data-counts='([^']*)'", text)[0]))
    assert counts["arch"] == {hostile: 1, "Other": 3} and "<b>&quot;" not in text


def test_what_the_catalogue_says_cannot_break_out_of_the_page(shop):
    hostile = "<img src=x onerror=alert(1)>"
    Model.objects.filter(id="acme/small").update(name=hostile, description=hostile, hugging_face_id='"><b>')
    Provider.objects.filter(slug="alpha").update(name=hostile)
    Endpoint.objects.filter(model="acme/small").update(tag=hostile, quantization="<b>x</b>")
    catalog.touch()
    for path in ("/models", "/models?view=table", "/acme/small", "/providers", "/provider/alpha", "/acme"):
        text = page(path)
        assert "<img" not in text and "&lt;img" in text
        assert '"><b>' not in text and "<b>x</b>" not in text


@pytest.mark.parametrize(
    "query", ["q=" + "x" * 10_000, "q=%00", "page=99999999999999999999", "providers=%ff%fe", "sort=%00"]
)
def test_hostile_queries_are_answered(shop, query):
    assert "<h1" in page(f"/models?{query}")


# --- Providers ------------------------------------------------------------------------------------


def test_the_providers_page_tells_what_they_do_with_prompts(shop):
    Provider.objects.filter(slug="alpha").update(
        retains=True, retention_days=30, policy_as_of="2026-09", privacy_policy_url="https://alpha.example/privacy"
    )
    catalog.touch()
    text = page("/providers")
    for shown in (
        "2 providers",
        "France",
        "No training",
        "Retains prompts for 30 days",
        "as of September 2026",
        "Unverified policy",
    ):
        assert shown in text
    assert 'href="https://alpha.example/privacy"' in text
    assert 'href="/models?providers=alpha"' in text
    assert "Become a provider" in text


@pytest.mark.parametrize("path", ["/models", "/providers", "/acme/large", "/provider/alpha", "/acme"])
def test_pages_only_answer_reading(shop, path):
    assert Client().post(path).status_code in (403, 405)
    assert Client().head(path).status_code == 200


def test_a_member_sees_the_same_pages(shop, alice_client):
    for path in ("/models", "/acme/large", "/providers"):
        assert alice_client.get(path).status_code == 200


def test_templates_have_no_inline_styles_or_handlers(shop):
    for path in (
        "/models",
        "/models?view=table",
        "/acme/large",
        "/providers",
        "/acme/none",
        "/provider/alpha",
        "/acme",
    ):
        text = Client().get(path).content.decode()
        assert not re.search(r"\sstyle=|\son[a-z]+=|<script(?![^>]*(src=|type=\"importmap\"))", text), path


def test_the_endpoints_of_service_tiers_are_marked_and_leave_the_models_price_alone(shop):
    large = shop["acme/large"]
    add_endpoint(large, Provider.objects.get(slug="alpha"), "0.0000001", "0.0000001", tag="alpha/flex")
    catalog.touch()
    model = catalog.current().models["acme/large"]
    assert model.cheapest.tag != "alpha/flex"
    row = next(row for row in page("/acme/large").split("<tr") if "<code>alpha/flex</code>" in row)
    assert '<span class="chip">Flex</span>' in row and "Cheapest" not in row


@pytest.mark.parametrize(
    ("path", "shown", "links"),
    [
        ("/openai/text-embedding-3-small", ["1,536", "client.embeddings.create"], "embeddings"),
        ("/cohere/rerank-v3.5", ["$2.00", "per thousand search units", "/api/v1/rerank"], "rerank"),
    ],
)
def test_a_model_of_another_task_has_its_own_page(client, bundled, path, shown, links):
    page = client.get(path).content.decode()
    for text in shown:
        assert text in page
    assert f'href="/{path.split("/")[1]}"' in page  # its author
    assert "/chat?model=" not in page and "chat/completions" not in page
    listed = client.get(f"/models?output_modalities={links}").content.decode()
    assert f'href="{path}"' in listed
    assert f'href="{path}"' not in client.get("/models").content.decode()
