"""Operators look requests up; the largest table of the site is neither counted nor scanned."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from billing import spending
from common.clock import utc_now
from gateway.admin.generations import FirstPages
from keys import issuing
from tests.activity.factory import make_request, make_requests
from tests.conftest import signed_in

pytestmark = pytest.mark.django_db

GENERATIONS = "/admin/gateway/generation/"


@pytest.fixture
def desk() -> Client:
    return signed_in(User.objects.create_superuser("operator@example.com", "correct horse battery"))


@pytest.mark.parametrize("by", ["id", "email", "organisation", "hash", "label"])
def test_a_request_is_found_by_what_support_is_told(desk, account, organisation, alice, charlie, by):
    key, secret = issuing.create(organisation, alice, "mine")
    mine = make_request(account, key=key)
    other = make_request(spending.account_of(charlie.personal_organisation))
    told = {
        "id": mine.pk,
        "email": "Alice@example.com",
        "organisation": organisation.public_id,
        "hash": key.hash,
        "label": secret[:12],
    }[by]
    page = desk.get(GENERATIONS, {"q": f" {told} "}).content.decode()
    assert mine.pk in page and other.pk not in page


@pytest.mark.parametrize(
    "told", ["nothing", "gen-unknown", "unknown@example.com", "org_unknown", "0" * 64, "sk-or-v1-000"]
)
def test_what_is_not_known_finds_nothing(desk, account, told):
    made = make_request(account)
    response = desk.get(GENERATIONS, {"q": told})
    assert response.status_code == 200 and made.pk not in response.content.decode()


def test_the_list_never_counts_the_table_and_takes_a_few_queries(desk, account, monkeypatch):
    monkeypatch.setattr(FirstPages, "MAX_ROWS", 120)
    make_requests(account, [{"created_at": utc_now()} for _ in range(150)])
    for path in (GENERATIONS, f"{GENERATIONS}?q=alice@example.com", f"{GENERATIONS}?p=3"):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            page = desk.get(path).content.decode()
        asked = [query["sql"] for query in queries if '"gateway_generation"' in query["sql"]]
        assert len(asked) <= 3
        assert not [sql for sql in asked if "COUNT(" in sql or "LIMIT" not in sql]
        assert "120 generations" in page


def test_a_request_shows_its_money_exactly_and_cannot_be_changed(desk, account):
    made = make_request(account, cost=12_345)
    path = f"{GENERATIONS}{made.pk}/change/"
    page = desk.get(path).content.decode()
    assert "$0.000000012345" in page
    assert desk.post(path, {"cost": "0"}).status_code == 403
    assert desk.get(f"{GENERATIONS}add/").status_code == desk.get(f"{GENERATIONS}{made.pk}/delete/").status_code == 403


def test_members_have_no_way_in(alice_client):
    assert alice_client.get(GENERATIONS).status_code == 302
