"""The curation of endpoints: the file that ships with the site, and imports and exports of an operator's own."""

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from models_catalog import catalog
from models_catalog.loading import curation
from models_catalog.loading.bundled import load_bundled
from models_catalog.models import Endpoint

LARGE = {"model": "acme/large", "tag": "alpha"}


def imported(*rows: Any, dry_run: bool = False) -> list[str]:
    content = json.dumps({"endpoints": rows}).encode()
    return [str(change) for change in curation.import_rows(curation.read(content, as_csv=False), dry_run=dry_run)]


def endpoint(**found: Any) -> Endpoint:
    return Endpoint.objects.get(**{"model": "acme/large", "tag": "alpha"} | found)


def test_an_import_sets_and_locks_fields_and_the_catalog_has_them(shop):
    changes = imported(
        LARGE | {"quantization": "fp8", "is_moderated": True, "is_exacto": True, "trains": True, "source": "A page"},
        {"model": "acme/*", "tag": "beta*", "retains": False},
    )
    assert "acme/large at alpha: quantization 'unknown' -> 'fp8'" in changes
    assert "acme/large at beta: retains unknown -> no" in changes and len(changes) == 7
    row = endpoint()
    assert row.edited_fields == ["is_exacto", "is_moderated", "quantization", "source", "trains"]
    alpha, beta = sorted(catalog.current().models["acme/large"].endpoints, key=lambda each: each.tag)
    assert (alpha.quantization, alpha.is_moderated, alpha.is_exacto, alpha.trains) == ("fp8", True, True, True)
    assert (beta.trains, beta.retains, beta.has_own_policy) == (True, False, True)  # training is its provider's
    assert imported(LARGE | {"quantization": "fp8"}) == []


def test_a_dry_run_says_what_would_change_and_changes_nothing(shop):
    before, stamp = list(Endpoint.objects.order_by("pk").values()), catalog.stamp()
    assert imported(LARGE | {"is_exacto": True}, dry_run=True) == ["acme/large at alpha: is_exacto no -> yes"]
    assert (list(Endpoint.objects.order_by("pk").values()), catalog.stamp()) == (before, stamp)


def test_a_later_row_counts_more_and_a_policy_can_be_given_back_to_the_provider(shop):
    imported({"model": "acme/*", "tag": "*", "trains": True, "quantization": "fp8"}, LARGE | {"quantization": "bf16"})
    assert endpoint().quantization == "bf16" and endpoint(tag="beta").quantization == "fp8"
    imported(LARGE | {"trains": None})
    assert endpoint().trains is None


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (LARGE | {"quantization": "int3"}, "`quantization` must be one of int4"),
        (LARGE | {"is_moderated": "yes"}, "`is_moderated` must be true or false"),
        (LARGE | {"is_moderated": None}, "`is_moderated` must be true or false"),
        (LARGE | {"trains": 1}, "`trains` must be true, false or null"),
        (LARGE | {"pricing": {"prompt": "0"}}, "unknown fields: 'pricing'"),
        (LARGE | {"enabled": True, "is_exacto": True}, "unknown fields: 'enabled'"),
        (LARGE | {"is_exacto": True, "source": "=HYPERLINK(1)"}, "`source` must not begin with"),
        (LARGE | {"is_exacto": True, "source": "two\nlines"}, "`source` must be a text"),
        (LARGE | {"is_exacto": True, "source": "x" * 301}, "`source` must be a text"),
        (LARGE | {"source": "alone"}, "gives no field"),
        (LARGE | {"model": "acme/\u0000", "is_exacto": True}, "`model` must be"),
        (LARGE | {"tag": ["alpha"], "is_exacto": True}, "`tag` must be"),
        ({"model": "acme/large", "is_exacto": True}, "`tag` must be"),
        (LARGE | {"tag": "gamma", "is_exacto": True}, "no endpoint of acme/large has the tag gamma"),
        ({"model": "acme/none", "tag": "*", "is_exacto": True}, "no endpoint of acme/none"),
        ("acme/large", "is not an object"),
    ],
)
def test_unknown_or_hostile_input_is_refused_as_a_whole(shop, row, words):
    good = {"model": "acme/small", "tag": "alpha", "is_exacto": True}
    with pytest.raises(curation.CurationError) as refusal:
        imported(good, row)
    assert words in str(refusal.value) and "Row 2" in str(refusal.value)
    assert not Endpoint.objects.filter(is_exacto=True).exists()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\xff\xfe", "not UTF-8"),
        (b"{", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[]", "must be an object"),
        (b'{"endpoints": [], "more": 1}', "nothing else"),
        (b" " * (curation.MAX_BYTES + 1), "MiB"),
        (json.dumps({"endpoints": [LARGE | {"is_exacto": True}] * 2}).encode(), "name the same endpoints"),
    ],
)
def test_a_file_of_another_kind_is_refused(content, words):
    with pytest.raises(curation.CurationError, match=words):
        curation.read(content, as_csv=False)


def test_csv_says_the_same_and_refuses_unknown_columns(shop):
    table = 'model,tag,is_exacto,trains,quantization,source\nacme/large,alpha,yes,unknown,,"A page, 2026"\n'
    assert [row.fields for row in curation.read(table.encode(), as_csv=True)] == [
        {"is_exacto": True, "trains": None, "source": "A page, 2026"}
    ]
    for bad, words in (
        ("model,tag,price\na/b,c,1\n", "Unknown columns: 'price'"),
        ("model,tag,is_exacto\na/b,c,maybe\n", "must be true or false"),
        ("model,tag,is_exacto\na/b,c,yes,more\n", "unknown fields"),
        ('model,tag,is_exacto\n"a/b,c,yes\n', "not CSV"),
    ):
        with pytest.raises(curation.CurationError, match=words):
            curation.read(bad.encode(), as_csv=True)


@pytest.mark.parametrize("kind", ["json", "csv"])
def test_what_is_exported_can_be_imported_elsewhere(shop, tmp_path, kind):
    imported(LARGE | {"quantization": "fp8", "trains": None, "is_moderated": False, "source": "A page, 2026"})
    Endpoint.objects.filter(tag="beta").update(edited_fields=["pricing"])  # not a matter of curation
    file, said = tmp_path / f"ours.{kind}", StringIO()
    call_command("curate_endpoints", "export", str(file), stdout=said)
    Endpoint.objects.update(quantization="unknown", source="", edited_fields=[])
    call_command("curate_endpoints", "import", str(file), "--dry-run", stdout=said)
    assert endpoint().quantization == "unknown" and "1 rows would change 2 fields." in said.getvalue()
    call_command("curate_endpoints", "import", str(file), stdout=said)
    assert (endpoint().quantization, endpoint().source) == ("fp8", "A page, 2026")
    assert endpoint().edited_fields == ["is_moderated", "quantization", "source", "trains"]


def test_the_command_says_what_is_wrong_with_a_file(shop, tmp_path):
    (tmp_path / "bad.json").write_text('{"endpoints": [{"model": "acme/large"}]}')
    for file, words in (
        ("bad.json", "Nothing was imported"),
        ("none.json", "No such file"),
        ("x.txt", "must end with"),
    ):
        with pytest.raises(CommandError, match=words):
            call_command("curate_endpoints", "import", str(tmp_path / file))


def test_what_ships_with_the_site_is_about_endpoints_of_its_catalog_and_names_its_sources(bundled):
    rows = curation.read(curation.BUNDLED.read_bytes(), as_csv=False)
    assert all(row.fields["source"] for row in rows if row.fields.get("is_moderated") is not False)
    served = [each for model in bundled.models.values() for each in model.endpoints]
    moderated = {each.provider for each in served if each.is_moderated}
    assert {"openai", "anthropic"} <= moderated <= {"openai", "anthropic", "azure", "alibaba", "deepseek"}
    assert not any(each.is_moderated for each in served if "embedding" in each.model_id)
    turbo = bundled.models["meta-llama/llama-3.3-70b-instruct"].endpoints
    assert {each.quantization for each in turbo if each.tag == "deepinfra/turbo"} == {"fp8"}
    assert not any(each.is_exacto for each in served)  # which are good enough is for operators and measurements to say


@pytest.mark.django_db
def test_locked_fields_survive_a_newer_catalog_and_a_newer_curation_is_loaded(tmp_path):
    load_bundled()
    haiku = {"model": "anthropic/claude-haiku-4.5", "tag": "anthropic"}
    imported(haiku | {"is_moderated": False, "quantization": "bf16", "is_exacto": True})
    newer = tmp_path / "curation.json"
    rows = [haiku | {"is_moderated": True, "publishes": True}, {"model": "openai/*", "tag": "openai", "trains": True}]
    newer.write_text(json.dumps({"endpoints": rows}))
    assert load_bundled(curated=newer) is not None and load_bundled(curated=newer) is None
    row = Endpoint.objects.get(**haiku)
    assert (row.is_moderated, row.quantization, row.is_exacto, row.publishes) == (False, "bf16", True, True)
    assert Endpoint.objects.filter(model__id__startswith="openai/", tag="openai", trains=True).count() > 50
