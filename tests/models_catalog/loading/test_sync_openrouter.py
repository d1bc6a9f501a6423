"""Any OpenRouter-compatible API is a source: its list of models, and the endpoints of each."""

import json
from datetime import date
from io import StringIO

import pytest
from django.core.management import call_command
from django.test import Client

from accounts.models import User
from models_catalog import catalog
from models_catalog.models import CatalogueSync, Endpoint, Model, Provider

from .json_server import Source, serving

pytestmark = pytest.mark.django_db


@pytest.fixture
def served(settings):
    """A source at an allowed address."""
    settings.FETCH_ALLOWED_NETWORKS = ["127.0.0.1/32"]
    with serving() as source:
        yield source


def prices(prompt: str, completion: str, **others) -> dict:
    return {"prompt": prompt, "completion": completion, "request": "0", "image": "0", "input_cache_read": "0"} | others


def model(model_id: str, pricing: dict, **fields) -> dict:
    return {
        "id": model_id,
        "canonical_slug": model_id,
        "name": f"Acme: {model_id.partition('/')[2].title()}",
        "created": 1_760_000_000,
        "description": "<script>alert(1)</script>",
        "context_length": 64_000,
        "architecture": {"input_modalities": ["text", "image"], "output_modalities": ["text"], "tokenizer": "GPT"},
        "pricing": pricing,
        "top_provider": {"context_length": 64_000, "max_completion_tokens": 8_000, "is_moderated": False},
        "per_request_limits": None,
        "supported_parameters": ["tools", "max_tokens", "of_tomorrow"],
    } | fields


def endpoint(tag: str, pricing: dict, **fields) -> dict:
    return {
        "name": f"{tag} | model",
        "provider_name": tag.title(),
        "tag": tag,
        "context_length": 60_000,
        "max_completion_tokens": None,
        "quantization": "fp8",
        "supported_parameters": ["tools", "max_tokens"],
        "pricing": pricing,
        "status": 0,
        "uptime_last_30m": 99.9,
    } | fields


def publish(served: Source, *models: dict, endpoints: dict[str, list[dict]]) -> str:
    """Serve these and return the source."""
    served.documents["/api/v1/models"] = {"data": list(models)}
    for model_id, listed in endpoints.items():
        path = f"/api/v1/models/{model_id}/endpoints"
        served.documents[path] = {"data": {"id": model_id, "endpoints": listed}}
    return f"openrouter:{served.url}/api/v1"


def run(source: str, *options: str) -> tuple[object, str]:
    """(the exit code of the command, its output)."""
    out = StringIO()
    try:
        call_command("sync_catalog", source, *options, stdout=out, stderr=out)
    except SystemExit as ended:
        return ended.code, out.getvalue()
    return 0, out.getvalue()


def test_endpoints_follow_an_openrouter_compatible_api(shop, served):
    Provider.objects.create(slug="upstream", name="Upstream", kind="aggregator", base_url=f"{served.url}/api/v1/")
    overrides = [{"min_prompt_tokens": 32_000, "prompt": "0.000004"}]
    source = publish(
        served,
        model("openrouter/auto", prices("-1", "-1")),
        model("~acme/latest", prices("-1", "-1")),
        model("stranger/model", prices("0.000001", "0.000001")),
        model("acme/large", prices("0.000002", "0.00001"), expiration_date="2027-03-01"),
        model("acme/vast", prices("0.000002", "0.00001")),
        endpoints={
            "acme/large": [
                endpoint("beta/fp8", prices("0.000002", "0.00001", overrides=overrides, discount=0)),
                endpoint("unknown", prices("0.000001", "0.00001")),
            ],
            "acme/vast": [endpoint("alpha", prices("0.000003", "0.00002"), quantization=None)],
        },
    )
    code, text = run(source, "--apply")
    assert code == 0, text
    assert served.statuses == [200, 200, 200]  # nothing is asked about the models of strangers
    # The only endpoint at a provider is the same one, under whatever tag.
    known = Endpoint.objects.get(model="acme/large", tag="beta")
    assert known.pricing == {"prompt": "0.000002", "completion": "0.00001"}
    assert (known.context_length, known.quantization) == (60_000, "fp8")
    assert known.tiers == [{"min_context": 32_000, "prompt": "0.000004"}]
    assert Model.objects.get(pk="acme/large").expires_on == date(2027, 3, 1)
    vast = Model.objects.get(pk="acme/vast")
    assert (vast.name, vast.tokenizer, vast.max_completion_tokens) == ("Acme: Vast", "GPT", 8_000)
    assert "script" not in vast.description
    # The API itself is a provider too, but prompts go to it only where there is no other.
    through = Endpoint.objects.get(model="acme/vast", tag="upstream")
    assert through.provider_model_id == "acme/vast" and not through.enabled
    assert through.supported_parameters == ["max_tokens", "tools"]
    assert "acme/vast" in catalog.current().models
    assert run(source, "--apply")[1].startswith(f"{source}\nNo changes.")


def test_another_site_of_this_kind_is_a_source(shop, served):
    """The site reads the form that it publishes: its own documents change nothing."""
    for path in ["models", *(f"models/{each}/endpoints" for each in shop)]:
        published = Client().get(f"/api/v1/{path}")
        assert published.status_code == 200
        served.documents[f"/api/v1/{path}"] = json.loads(published.content)
    source = f"openrouter:{served.url}/api/v1"
    code, text = run(source, "--apply")
    assert code == 0 and f"{source}\nNo changes." in text, text
    assert not Endpoint.objects.exclude(listed_by=source).exists()


@pytest.mark.parametrize(
    ("listed", "tags", "complaint"),
    [
        ([model("acme/large", prices("-1", "1"))], ["beta"], "negative"),
        ([model("acme/large", prices("0.000001", "9"))], ["beta"], "absurdly high"),
        ([model("acme/large", prices("NaN", "0.1"))], ["beta"], "infinite"),
        ([model("acme/large", prices("0,01", "0.00001"))], ["beta"], "not a number"),
        ([model("acme/../large", prices("0.000001", "0.000002"))], [], "format"),
        ([model("acme/large", prices("0.000001", "0.000002"))] * 2, ["beta"], "twice"),
        ([model("acme/large", prices("0.000001", "0.000002"))], ["beta", "beta"], "twice"),
        ([model("acme/large", prices("0.000001", "0.000002"))], ["../beta"], "format"),
        ([], [], "no models"),
    ],
)
def test_a_hostile_api_changes_nothing(shop, served, listed, tags, complaint):
    before = list(Endpoint.objects.order_by("pk").values())
    pricing = listed[0]["pricing"] if listed else {}
    source = publish(served, *listed, endpoints={"acme/large": [endpoint(tag, pricing) for tag in tags]})
    code, text = run(source, "--apply")
    assert code == 2 and complaint in text, text
    assert list(Endpoint.objects.order_by("pk").values()) == before


@pytest.mark.parametrize(
    ("others", "complaint"),
    [
        ({"request": "5"}, "request $5 is new and very high"),
        ({"internal_reasoning": "0.001"}, "internal_reasoning $1000 is new and very high"),
        ({"overrides": [{"min_prompt_tokens": 1, "prompt": "0.0001"}]}, "prompt $3 becomes prompt $100"),
    ],
)
def test_no_price_goes_up_by_a_side_door(shop, served, others, complaint):
    pricing = prices("0.000003", "0.000015", **others)
    source = publish(served, model("acme/large", pricing), endpoints={"acme/large": [endpoint("beta", pricing)]})
    code, text = run(source, "--apply")
    assert code == 2 and complaint in text, text


def test_a_free_model_stays_free(shop, served):
    pricing = prices("0", "0", overrides=[{"min_prompt_tokens": 1, "prompt": "0.00001"}])
    free = {"acme/large:free": [endpoint("beta", pricing)]}
    assert run(publish(served, model("acme/large:free", pricing), endpoints=free), "--apply")[0] == 0
    row = Endpoint.objects.get(model="acme/large:free")
    assert row.listed_by and row.tiers == [] and row.pricing == {"prompt": "0", "completion": "0"}


def test_a_failing_page_of_endpoints_refuses_the_whole(shop, served):
    source = publish(
        served,
        model("acme/large", prices("0.000001", "0.000002")),
        model("acme/small", prices("0.000001", "0.000002")),
        endpoints={"acme/large": [endpoint("beta", prices("0.000001", "0.000002"))]},
    )
    served.documents["/api/v1/models/acme/small/endpoints"] = 503
    code, text = run(source, "--apply")
    assert code == 1 and "status 503" in text
    assert Endpoint.objects.get(model="acme/large", tag="beta").pricing["prompt"] == "0.000003"


def test_operators_preview_and_apply_in_the_admin(shop, served, settings):
    source = publish(
        served,
        model("acme/large", prices("0.0000001", "0.00001")),
        endpoints={"acme/large": [endpoint("beta", prices("0.0000001", "0.00001"))]},
    )
    settings.CATALOG_SYNC_SOURCES = [source]
    operator = Client()
    operator.force_login(User.objects.create_superuser("operator@example.com", "correct horse battery"))
    syncs = "/admin/models_catalog/cataloguesync/"
    ((name, url),) = operator.get(syncs).context["sources"]
    assert name == source
    page = operator.get(url)
    assert "more than 10 times" in page.content.decode()
    found = page.context["found"]
    # Refused until it is accepted, and what was not previewed is never applied.
    for sent, price in [
        ({"fingerprint": found.fingerprint}, "0.000003"),
        ({"fingerprint": "another", "accept": "on"}, "0.000003"),
        ({"fingerprint": found.fingerprint, "accept": "on"}, "0.0000001"),
    ]:
        assert operator.post(url, sent).status_code == 302
        assert Endpoint.objects.get(model="acme/large", tag="beta").pricing["prompt"] == price
    assert [row.outcome for row in CatalogueSync.objects.order_by("pk")] == ["refused", "refused", "applied"]
    row = CatalogueSync.objects.last()
    for action in ("preview_sources", "apply_sources"):
        response = operator.post(syncs, {"action": action, "_selected_action": [row.pk]})
        assert response.status_code == 302
    assert operator.get(f"{syncs}{row.pk}/change/").status_code == 200
    # Addresses that are not configured are not asked.
    asked = len(served.statuses)
    assert operator.get(f"{syncs}preview/?source=openrouter:{served.url}/other").status_code == 404
    assert len(served.statuses) == asked
    assert Client().get(url).status_code == 302
