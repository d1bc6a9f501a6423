"""Every change of a price leaves a dated row, in whatever way it was made."""

import json
from decimal import Decimal

import pytest
from django.test import Client

from accounts.models import User
from models_catalog import catalog
from models_catalog.loading.bundled import FILE, load_bundled
from models_catalog.models import Endpoint, EndpointPrice
from models_catalog.price_history import price_at, price_history

from .test_admin import form_of

pytestmark = pytest.mark.django_db


def test_a_price_edited_in_the_admin_has_a_history(shop):
    operator = Client()
    operator.force_login(User.objects.create_superuser("operator@example.com", "correct horse battery"))
    endpoint = Endpoint.objects.get(model="acme/small")
    path = f"/admin/models_catalog/endpoint/{endpoint.pk}/change/"
    sent = form_of(operator, path) | {"pricing": '{"prompt": "0.0000002", "completion": "0.0000008"}'}
    assert operator.post(path, sent).status_code == 302

    first, second = price_history("acme/small")
    assert (first.tag, first.prompt, first.completion) == ("alpha", Decimal("0.0000001"), Decimal("0.0000004"))
    assert (second.prompt, second.completion) == (Decimal("0.0000002"), Decimal("0.0000008"))
    # What a generation of a moment was billed at.
    assert price_at("acme/small", "alpha", first.valid_from).pricing["prompt"] == "0.0000001"
    assert price_at("acme/small", "alpha", second.valid_from).pricing["prompt"] == "0.0000002"
    page = operator.get("/admin/models_catalog/endpointprice/?q=acme/small")
    assert page.status_code == 200 and page.context["cl"].result_count == 2


def test_other_changes_leave_no_row_and_the_history_outlives_the_endpoint(shop):
    rows = EndpointPrice.objects.count()
    catalog.touch()
    assert EndpointPrice.objects.count() == rows == 5
    Endpoint.objects.get(model="acme/small").delete()
    catalog.touch()
    (row,) = EndpointPrice.objects.filter(model="acme/small")
    assert row.valid_until is not None
    assert price_at("acme/small", "alpha", row.valid_until) is None


def test_a_newer_bundled_catalog_adds_rows_for_changed_prices_only(tmp_path):
    facts = json.loads(FILE.read_bytes())
    rows = (row for row in facts["endpoints"] if (row["model"], row["provider"]) == ("openai/gpt-4o", "openai"))
    known = next(row for row in rows if "tag" not in row)
    facts["models"] = [row for row in facts["models"] if row["id"] == "openai/gpt-4o"]
    facts["endpoints"] = [row for row in facts["endpoints"] if row["model"] == "openai/gpt-4o"]
    file = tmp_path / "catalogue.json"
    file.write_text(json.dumps(facts))
    load_bundled(file)
    rows = EndpointPrice.objects.count()
    known["pricing"]["prompt"] = "0.000002"
    file.write_text(json.dumps(facts))
    load_bundled(file)
    assert EndpointPrice.objects.count() == rows + 1
    assert [row.prompt for row in price_history("openai/gpt-4o") if row.tag == known["provider"]] == [
        Decimal("0.0000025"),
        Decimal("0.000002"),
    ]
