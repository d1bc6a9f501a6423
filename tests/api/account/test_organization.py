"""`GET /organization/members`."""

import pytest

from accounts.models import Membership
from accounts.organisations import members
from keys import issuing
from tests.accounts.organisations.conftest import add_member
from tests.api.described import check_described
from tests.api.description.test_documented_answers import assert_answer
from tests.api.responses import client_with
from tests.conftest import make_user

OPERATION = "GET /organization/members"


@pytest.fixture
def acme(db):
    return members.create(make_user("ada@example.com"), "Acme")


@pytest.fixture
def client(acme):
    return client_with(issuing.create(acme, acme.members.get(), "Deploy", is_management=True)[1])


def test_members_are_listed_with_their_roles(client, acme):
    ben = add_member(acme, "ben@example.com")
    ben.name = "Ben van Dijk"
    ben.save()
    answer = assert_answer(client, OPERATION)
    assert answer["total_count"] == 2
    assert answer["data"][1] == {
        "id": ben.public_id,
        "email": "ben@example.com",
        "first_name": "Ben",
        "last_name": "van Dijk",
        "role": "org:member",
    }
    assert answer["data"][0]["role"] == "org:admin" and answer["data"][0]["first_name"] is None
    page = assert_answer(client, OPERATION, offset=1, limit=1)
    assert [member["email"] for member in page["data"]] == ["ben@example.com"] and page["total_count"] == 2
    Membership.objects.filter(user=ben).delete()
    assert assert_answer(client, OPERATION)["total_count"] == 1


def test_a_personal_account_an_api_key_and_bad_pages_are_refused(client, acme):
    cem = make_user("cem@example.com")
    personal = client_with(issuing.create(cem.personal_organisation, cem, "Own", is_management=True)[1])
    assert_answer(personal, OPERATION, status=404)
    ordinary = client_with(issuing.create(acme, acme.members.get(), "App")[1])
    assert ordinary.get("/api/v1/organization/members").status_code == 403
    for bad in ("limit=0", "limit=101", "offset=-1", "limit=x"):
        answer = client.get(f"/api/v1/organization/members?{bad}")
        assert answer.status_code == 400
        check_described(OPERATION, 400, answer.json())
