"""The catalog follows published documents, and refuses hostile ones as a whole."""

from datetime import timedelta
from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from common.clock import utc_now
from common.telemetry.jobs import JobFailed
from models_catalog import catalog, tasks
from models_catalog.loading.bundled import load_bundled
from models_catalog.loading.sync import download, models_dev
from models_catalog.loading.sync.offers import InvalidDocument
from models_catalog.models import Author, CatalogueSync, Endpoint, EndpointPrice, Model, Provider
from models_catalog.price_history import price_history
from tests.models_catalog.conftest import add_endpoint, add_model

from .json_server import serving

pytestmark = pytest.mark.django_db


@pytest.fixture
def served(settings):
    """A source at an allowed address."""
    settings.FETCH_ALLOWED_NETWORKS = ["127.0.0.1/32"]
    with serving() as source:
        yield source


def listed(model_id: str, prompt: float, completion: float, **fields) -> dict:
    """A model as models.dev lists it."""
    return {
        "id": model_id,
        "name": model_id.title(),
        "attachment": False,
        "reasoning": False,
        "tool_call": True,
        "temperature": True,
        "knowledge": "2025-04",
        "release_date": "2025-08-07",
        "last_updated": "2025-08-07",
        "modalities": {"input": ["text", "pdf"], "output": ["text"]},
        "open_weights": False,
        "cost": {"input": prompt, "output": completion},
        "limit": {"context": 64_000, "output": 8_000},
    } | fields


def api(**providers: list[dict]) -> dict:
    """A document of models.dev."""
    return {
        slug: {
            "id": slug,
            "name": slug.title(),
            "env": [f"{slug.upper()}_API_KEY"],
            "npm": "@ai-sdk/openai-compatible",
            "doc": "https://example.com",
            "models": {model["id"]: model for model in models},
        }
        for slug, models in providers.items()
    }


def run(source: str, *options: str) -> tuple[object, str]:
    """(the exit code of the command, its output)."""
    out = StringIO()
    try:
        call_command("sync_catalog", source, *options, stdout=out, stderr=out)
    except SystemExit as ended:
        return ended.code, out.getvalue()
    return 0, out.getvalue()


def everything() -> list:
    """All rows of the catalog."""
    kinds = (Provider, Author, Model, Endpoint, EndpointPrice)
    return [list(kind.objects.order_by("pk").values()) for kind in kinds]


BETA = [listed("large", 2.5, 15, cost={"input": 2.5, "output": 15, "cache_read": 0.25})]


def test_a_price_is_shown_first_and_written_with_apply(shop, served):
    served.documents["/api.json"] = api(beta=BETA, stranger=[listed("odd", 1, 2)])
    source = f"models.dev:{served.url}/api.json"
    before = everything()
    code, text = run(source)
    assert code == 0 and everything() == before and not CatalogueSync.objects.exists()
    assert "price   acme/large at beta" in text
    assert "prompt $3, input_cache_read" not in text
    assert "prompt $3 -> prompt $2.5, input_cache_read $0.25" in text
    assert "limits  acme/large at beta  context 200000 -> 64000" in text
    assert "1 at providers that the catalog doesn't know: odd at stranger" in text

    assert run(source, "--apply")[0] == 0
    endpoint = Endpoint.objects.get(model="acme/large", tag="beta")
    assert endpoint.pricing == {"prompt": "0.0000025", "completion": "0.000015", "input_cache_read": "0.00000025"}
    assert endpoint.listed_by == source and endpoint.max_completion_tokens == 8000
    # Billed at once.
    (offered,) = (each for each in catalog.current().models["acme/large"].endpoints if each.tag == "beta")
    assert offered.prices.prompt == Decimal("0.0000025")
    assert [row.prompt for row in price_history("acme/large") if row.tag == "beta"] == [
        Decimal("0.000003"),
        Decimal("0.0000025"),
    ]
    row = CatalogueSync.objects.get()
    assert row.outcome == "applied" and row.counts == {"price": 1, "limits": 2, "skipped": 1} and row.etag
    assert run(source, "--apply")[1].startswith(f"{source}\nNo changes.")


def test_new_models_come_from_labs_and_new_endpoints_where_the_name_tells_the_model(shop, served):
    served.documents["/api.json"] = api(
        alpha=[listed("acme/Small", 1, 2), listed("acme/unknown-tune", 1, 2), listed("umbra/reader-7b", 0, 0)],
        beta=[
            *BETA,
            listed("vast", 5, 20, reasoning=True, modalities={"input": ["text", "image"], "output": ["text"]}),
            listed("vast-20250807", 5, 20),
            listed("vast-embedding-4b", 5, 20),
            listed("painter", 5, 20, modalities={"input": ["text"], "output": ["video"]}),
            listed("old", 5, 20, status="deprecated"),
        ],
    )
    Endpoint.objects.filter(model="acme/small").delete()
    code, text = run(f"models.dev:{served.url}/api.json", "--apply")
    assert code == 0, text
    model = Model.objects.get(pk="acme/vast")
    assert (model.name, model.created, model.reasoning) == ("Acme: Vast", 1754524800, True)
    assert model.input_modalities == ["text", "image"] and model.knowledge_cutoff == "2025-04"
    assert "acme/vast" in catalog.current().models and "64,000" in model.description
    assert Endpoint.objects.get(model="acme/small").provider_model_id == "acme/Small"
    assert set(Model.objects.values_list("pk", flat=True)) == {*shop, "acme/vast"}
    assert "whose model the catalog can't tell: acme/unknown-tune at alpha" in text
    assert "a dated snapshot or a rolling name: vast-20250807 at beta" in text


def test_long_prompts_have_prices_of_their_own(shop, served):
    """As lists of tiers, or in the older form; zero means that the source doesn't know."""
    tier = {"input": 6, "output": 22.5, "cache_read": 0, "tier": {"type": "context", "size": 150_000}}
    older = {"input": 4, "output": 20}
    limit = {"context": 200_000, "output": 8_000}
    cost = {"input": 3, "output": 15, "tiers": [tier], "context_over_200k": older}
    served.documents["/api.json"] = api(
        alpha=[listed("large", 2.5, 10, limit=limit, cost={"input": 2.5, "output": 10, "context_over_200k": older})],
        beta=[listed("large", 3, 15, limit=limit, cost=cost)],
    )
    code, text = run(f"models.dev:{served.url}/api.json", "--apply")
    assert code == 0 and "none -> above 150000 tokens prompt $6, completion $22.5" in text, text
    assert [row.tiers for row in Endpoint.objects.filter(model="acme/large").order_by("tag")] == [
        [{"min_context": 200_000, "prompt": "0.000004", "completion": "0.00002"}],
        [{"min_context": 150_000, "prompt": "0.000006", "completion": "0.0000225"}],
    ]


def test_locked_fields_keep_their_value(shop, served):
    Endpoint.objects.filter(model="acme/large", tag="beta").update(edited_fields=["pricing"])
    served.documents["/api.json"] = api(beta=BETA)
    code, text = run(f"models.dev:{served.url}/api.json", "--apply")
    assert code == 0 and "Kept, because an operator has set it:\nprice  acme/large at beta" in text
    endpoint = Endpoint.objects.get(model="acme/large", tag="beta")
    assert endpoint.pricing["prompt"] == "0.000003" and endpoint.context_length == 64_000


def test_a_vanished_model_gets_a_day_and_returns(shop, served):
    source = f"models.dev:{served.url}/api.json"
    alpha = [listed("small", 0.1, 0.4), listed("large", 2.5, 10)]
    served.documents["/api.json"] = api(alpha=alpha)
    assert run(source, "--apply")[0] == 0
    served.documents["/api.json"] = api(alpha=[listed("reader-7b", 1, 2)])
    assert run(source, "--apply")[0] == 0
    # Its only endpoint is gone: people are told, and it is served until then.
    small = Model.objects.get(pk="acme/small")
    assert small.expires_on == utc_now().date() + timedelta(days=30) and "acme/small" in catalog.current().models
    # Another provider still has this one.
    assert Model.objects.get(pk="acme/large").expires_on is None
    assert [each.tag for each in catalog.current().models["acme/large"].endpoints] == ["beta"]
    assert run(source, "--apply")[1].startswith(f"{source}\nNo changes.")
    served.documents["/api.json"] = api(alpha=alpha)
    assert run(source, "--apply")[0] == 0
    assert Model.objects.get(pk="acme/small").expires_on is None
    assert len(catalog.current().models["acme/large"].endpoints) == 2


def test_too_many_gone_or_a_price_far_off_needs_an_operator(shop, served):
    alpha = Provider.objects.get(pk="alpha")
    for number in range(8):
        model = add_model(f"acme/many-{number}", "Many")
        add_endpoint(model, alpha, "0.000001", "0.000002")
    many = [listed(f"many-{number}", 1, 2) for number in range(8)]
    source = f"models.dev:{served.url}/api.json"
    served.documents["/api.json"] = api(alpha=many)
    assert run(source, "--apply")[0] == 0
    before = everything()
    served.documents["/api.json"] = api(alpha=many[:4])
    code, text = run(source, "--apply")
    assert code == 2 and "4 of 8 endpoints that follow this source are gone" in text
    served.documents["/api.json"] = api(alpha=[*many[:7], listed("many-7", 11, 2)])
    code, text = run(source)
    assert code == 2 and "acme/many-7 at alpha: prompt $1 becomes prompt $11, more than 10 times." in text
    assert run(source, "--apply")[0] == 2
    assert everything() == before
    assert run(source, "--apply", "--accept-implausible")[0] == 0
    assert Endpoint.objects.get(model="acme/many-7").pricing["prompt"] == "0.000011"


@pytest.mark.parametrize(
    ("model", "complaint"),
    [
        (listed("large", -1, 2), "negative"),
        (listed("large", 1e7, 2), "absurdly high"),
        (listed("large", 1, 2, name="Large\u202eegral"), "format"),
        (listed("large", 1, 2, name="Large\nFree"), "format"),
        (listed("large", 1, 2, name="x" * 201), "format"),
        (listed("large\x00", 1, 2), "format"),
        (listed("x" * 201, 1, 2), "format"),
        (listed("large", 1, 2) | {"cost": {"input": "1", "output": True}}, "format"),
        (listed("large", 1, 2) | {"limit": {"context": -5, "output": 10**12}}, "format"),
        (listed("large", 1, 2) | {"limit": []}, "format"),
        (listed("large", 1, 2) | {"cost": {"input": 1, "output": 2, "context_over_200k": {"input": -9}}}, "negative"),
    ],
)
def test_one_hostile_entry_refuses_the_whole_document(shop, served, model, complaint):
    before = everything()
    served.documents["/api.json"] = api(alpha=[listed("small", 0.2, 0.4)], beta=[model])
    code, text = run(f"models.dev:{served.url}/api.json", "--apply")
    assert code == 2 and complaint in text
    assert everything() == before
    assert CatalogueSync.objects.get().outcome == "refused"


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b"<html>",
        b"[" * 100_000,
        b'{"alpha": {"id": "beta", "name": "B", "models": {}}}',
        b'{"../alpha": {"id": "../alpha", "name": "B", "models": {}}}',
        b'{"alpha": {"id": "alpha", "name": "A", "models": {"a": {"id": "b", "name": "B"}}}}',
        b'{"alpha": {"id": "alpha", "name": "A", "models": {"a": {"id": "a", "name": "B", "cost": {"input": 1e400}}}}}',
        b'{"zai": {"id": "zai", "name": "A", "models": {"a": {"id": "a", "name": "A"}}},'
        b' "z-ai": {"id": "z-ai", "name": "A", "models": {"a": {"id": "a", "name": "A"}}}}',
    ],
)
def test_a_document_of_another_form_is_refused(body):
    with pytest.raises(InvalidDocument):
        models_dev.staged(body)


def test_a_source_that_cannot_be_read_is_told(shop, served, settings, monkeypatch):
    monkeypatch.setattr(download, "MAX_BYTES", 2**20)
    served.documents |= {"/large": b" " * (2**20 + 1), "/moved": f"{served.url}/large", "/broken": 500}
    for path, complaint in [("large", "1 MiB"), ("moved", "redirects"), ("broken", "status 500"), ("gone", "404")]:
        code, text = run(f"models.dev:{served.url}/{path}", "--apply")
        assert code == 1 and complaint in text
    settings.FETCH_ALLOWED_NETWORKS = []
    code, text = run(f"models.dev:{served.url}/large")
    assert code == 1 and "not a public address" in text
    assert set(CatalogueSync.objects.values_list("outcome", flat=True)) == {"failed"}


@pytest.mark.parametrize(
    "text", ["", "https://models.dev/api.json", "models.dev:file:///etc/passwd", "openrouter:https://a:b@example.com"]
)
def test_what_is_no_source_is_refused(text):
    with pytest.raises(CommandError, match=r"source|user name"):
        call_command("sync_catalog", *([text] if text else []))


def test_the_clock_reads_an_unchanged_document_once(shop, served, settings):
    settings.CATALOG_SYNC_SOURCES = [f"models.dev:{served.url}/missing", f"models.dev:{served.url}/api.json"]
    served.documents["/api.json"] = api(beta=BETA)
    for _ in range(3):
        with pytest.raises(JobFailed, match=r"not synced with .*/missing"):
            tasks.sync_catalog()
    assert served.statuses == [404, 200, 404, 304, 404, 304]
    failed, applied = CatalogueSync.objects.order_by("source")[::-1]
    assert (failed.outcome, applied.outcome) == ("failed", "applied")
    assert CatalogueSync.objects.count() == 2 and applied.checked_at > applied.started_at


def test_an_endpoint_follows_the_first_source(shop, served, settings):
    first, second = f"models.dev:{served.url}/a.json", f"models.dev:{served.url}/b.json"
    settings.CATALOG_SYNC_SOURCES = [first, second]
    served.documents["/a.json"] = api(beta=[listed("large", 2, 10)])
    served.documents["/b.json"] = api(beta=[listed("large", 4, 20)])
    tasks.sync_catalog()
    endpoint = Endpoint.objects.get(model="acme/large", tag="beta")
    assert endpoint.pricing["prompt"] == "0.000002" and endpoint.listed_by == first
    settings.CATALOG_SYNC_SOURCES = [second]
    # The document is the same as before, but it is read for this endpoint now.
    tasks.sync_catalog()
    endpoint.refresh_from_db()
    assert endpoint.pricing["prompt"] == "0.000004" and endpoint.listed_by == second


def test_the_bundled_catalog_follows_a_source_and_keeps_what_it_told(bundled_rows, served, settings):
    """A document with everything that the catalog knows changes nothing but what differs."""
    source = f"models.dev:{served.url}/api.json"
    settings.CATALOG_SYNC_SOURCES = [source]
    document: dict[str, dict[str, dict]] = {"openai": {}, "togetherai": {}, "google": {}}
    names = {"openai": "openai", "together": "togetherai", "google-ai-studio": "google"}
    for row in Endpoint.objects.filter(tag__in=names).exclude(provider_model_id="").exclude(model__id__contains=":"):
        prompt, completion = (float(Decimal(row.pricing[key]) * 1_000_000) for key in ("prompt", "completion"))
        limit = {"context": row.context_length, "output": row.max_completion_tokens or 0}
        document[names[row.tag]][row.provider_model_id] = listed(row.provider_model_id, prompt, completion, limit=limit)
    assert sum(map(len, document.values())) > 50
    served.documents["/api.json"] = api(**{slug: list(models.values()) for slug, models in document.items()})
    code, text = run(source)
    assert code == 0 and f"{source}\nNo changes." in text, text

    document["openai"]["gpt-4o"]["cost"]["input"] = 2
    document["openai"]["gpt-99"] = listed("gpt-99", 3, 9)
    served.documents["/api.json"] = api(**{slug: list(models.values()) for slug, models in document.items()})
    assert run(source, "--apply")[0] == 0
    load_bundled(force=True)
    assert "openai/gpt-99" in catalog.current().models
    assert Endpoint.objects.get(model="openai/gpt-4o", tag="openai").pricing["prompt"] == "0.000002"
    # Without the source, the file has the last word again.
    settings.CATALOG_SYNC_SOURCES = []
    load_bundled(force=True)
    assert Endpoint.objects.get(model="openai/gpt-4o", tag="openai").pricing["prompt"] == "0.0000025"
