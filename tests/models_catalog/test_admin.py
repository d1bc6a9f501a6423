"""Operators edit the catalogue."""

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client

from accounts.models import User
from models_catalog import catalog
from models_catalog.models import Endpoint, Provider


@pytest.fixture
def operator(shop) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("operator@example.com", "correct horse battery"))
    return client


def form_of(client: Client, path: str) -> dict[str, object]:
    """The form as the page shows it, ready to be sent back."""
    form = client.get(path).context["adminform"].form
    values = {name: form[name].value() for name in form.fields}
    values |= {f"initial-{name}": values[name] for name, field in form.fields.items() if field.show_hidden_initial}
    return {name: value for name, value in values.items() if value not in (None, False)}


def test_switching_a_provider_off_takes_its_models_away_at_once(operator):
    path = "/admin/models_catalog/provider/beta/change/"
    form = form_of(operator, path)
    assert "acme/large:free" in catalog.current().models
    del form["enabled"]
    assert operator.post(path, form | {"trains": "unknown", "retains": "unknown"}).status_code == 302
    assert "acme/large:free" not in catalog.current().models
    assert Provider.objects.get(slug="beta").edited_fields == ["enabled"]


def test_a_new_price_is_billed_at_once_and_remembered_as_edited(operator):
    endpoint = Endpoint.objects.get(model="acme/small")
    path = f"/admin/models_catalog/endpoint/{endpoint.pk}/change/"
    sent = form_of(operator, path) | {"pricing": '{"prompt": "0.0000002", "completion": "0.0000008"}'}
    assert operator.post(path, sent).status_code == 302
    assert format(catalog.current().models["acme/small"].prices.prompt, "f") == "0.0000002"
    assert Endpoint.objects.get(pk=endpoint.pk).edited_fields == ["pricing"]


@pytest.mark.parametrize(
    ("pricing", "complaint"),
    [
        ('{"prompt": "0", "completion": "0"}', "prices above 0"),
        ('{"prompt": "-0.1", "completion": "0.1"}', "plain decimal"),
        ('{"prompt": "1e-6", "completion": "0.1"}', "plain decimal"),
        ('{"prompt": 0.000001, "completion": "0.1"}', "plain decimal"),
        ('{"prompt": "0.1"}', "A price is missing: completion"),
        ('{"prompt": "0.1", "completion": "0.1", "output": "1"}', "Unknown price"),
        ('["0.1"]', "Prices are an object"),
    ],
)
def test_a_price_that_cannot_be_billed_is_refused(operator, pricing, complaint):
    endpoint = Endpoint.objects.get(model="acme/small")
    path = f"/admin/models_catalog/endpoint/{endpoint.pk}/change/"
    before = catalog.stamp()
    response = operator.post(path, form_of(operator, path) | {"pricing": pricing})
    assert response.status_code == 200
    assert complaint in str(response.context["adminform"].form.errors.as_data())
    assert Endpoint.objects.get(pk=endpoint.pk).pricing == endpoint.pricing
    assert catalog.stamp() == before


@pytest.mark.parametrize(
    "tiers",
    ['{"min_context": 1}', '[{"prompt": "1"}]', '[{"min_context": true}]', '[{"min_context": 5, "prompt": "-1"}]'],
)
def test_a_tier_that_makes_no_sense_is_refused(operator, tiers):
    endpoint = Endpoint.objects.get(model="acme/small")
    path = f"/admin/models_catalog/endpoint/{endpoint.pk}/change/"
    assert operator.post(path, form_of(operator, path) | {"tiers": tiers}).status_code == 200
    assert Endpoint.objects.get(pk=endpoint.pk).tiers == []


def test_emptying_a_list_leaves_an_empty_list(operator):
    endpoint = Endpoint.objects.get(model="acme/small")
    path = f"/admin/models_catalog/endpoint/{endpoint.pk}/change/"
    assert operator.post(path, form_of(operator, path) | {"supported_parameters": ""}).status_code == 302
    assert Endpoint.objects.get(pk=endpoint.pk).supported_parameters == []
    assert catalog.current().models["acme/small"].supported_parameters == frozenset()


def test_deleting_an_endpoint_is_noticed(operator):
    assert "acme/small" in catalog.current().models
    endpoint = Endpoint.objects.get(model="acme/small")
    assert operator.post(f"/admin/models_catalog/endpoint/{endpoint.pk}/delete/", {"post": "yes"}).status_code == 302
    assert "acme/small" not in catalog.current().models
    other = Endpoint.objects.get(model="umbra/reader-7b")
    chosen = {"action": "delete_selected", "_selected_action": [other.pk], "post": "yes"}
    assert operator.post("/admin/models_catalog/endpoint/", chosen).status_code == 302
    assert "umbra/reader-7b" not in catalog.current().models


def test_a_member_cannot_edit_the_catalogue(shop, alice_client):
    assert alice_client.get("/admin/models_catalog/provider/").status_code == 302


def test_an_endpoint_that_may_publish_prompts_is_marked_shown_and_keeps_nothing_no_more(operator):
    endpoint = Endpoint.objects.get(model="acme/large", tag="alpha")
    assert catalog.current().models["acme/large"].zero_retention
    path = f"/admin/models_catalog/endpoint/{endpoint.pk}/change/"
    assert operator.post(path, form_of(operator, path) | {"publishes": "on"}).status_code == 302
    assert Endpoint.objects.get(pk=endpoint.pk).edited_fields == ["publishes"]
    assert "May publish prompts" in Client().get("/acme/large").content.decode()
    assert not catalog.current().models["acme/large"].zero_retention
    listed = Client().get("/api/v1/endpoints/zdr").json()["data"]
    assert ("acme/large", "alpha") not in {(each["model_id"], each["tag"]) for each in listed}


@pytest.mark.parametrize(("kind", "find"), [("provider", {"slug": "beta"}), ("endpoint", {"model": "acme/large:free"})])
def test_rows_are_turned_off_and_on_from_the_list_and_a_new_catalog_file_keeps_that(operator, kind, find):
    model = Provider if kind == "provider" else Endpoint
    row = model.objects.get(**find)
    for action, state, served in (("turn_off", "off", False), ("turn_on", "on", True)):
        assert ("acme/large:free" in catalog.current().models) is not served
        chosen = {"action": action, "_selected_action": [row.pk]}
        page = operator.post(f"/admin/models_catalog/{kind}/", chosen, follow=True).content.decode()
        assert f"{kind.capitalize()}s turned {state}: 1." in page
        assert ("acme/large:free" in catalog.current().models) is served
        assert model.objects.get(**find).edited_fields == ["enabled"]
    assert [entry.change_message for entry in LogEntry.objects.all()] == ["Turned on.", "Turned off."]


def test_endpoints_are_selected_for_exacto_several_at_once_and_their_facts_are_locked(operator):
    rows = list(Endpoint.objects.filter(model="acme/large"))
    sent = {"action": "select_for_exacto", "_selected_action": [row.pk for row in rows]}
    assert operator.post("/admin/models_catalog/endpoint/", sent, follow=True).status_code == 200
    assert all(each.is_exacto for each in catalog.current().models["acme/large"].endpoints)
    assert LogEntry.objects.filter(change_message="Selected for :exacto.").count() == 2
    path = f"/admin/models_catalog/endpoint/{rows[0].pk}/change/"
    form = form_of(operator, path) | {"trains": "unknown", "retains": "unknown"}
    assert operator.post(path, form | {"quantization": "int3"}).status_code == 200  # refused
    facts = {"quantization": "fp8", "is_moderated": "on", "trains": "true", "source": "A page, 2026"}
    assert operator.post(path, form | facts).status_code == 302
    locked = ["is_exacto", "is_moderated", "quantization", "source", "trains"]
    assert Endpoint.objects.get(pk=rows[0].pk).edited_fields == locked
