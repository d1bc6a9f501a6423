"""`/api/v1/guardrails`: guardrails and their assignments to keys and members."""

from uuid import uuid4

import pytest

from guardrails import saving
from guardrails.models import Assignment, Guardrail
from keys import issuing
from keys.models import ApiKey
from tests.accounts.organisations.conftest import acme, ada, ben, cem  # noqa: F401
from tests.api.description.test_documented_answers import assert_answer
from tests.api.responses import client_with
from tests.gateway.factory import usd

pytestmark = pytest.mark.usefixtures("shop")

ONE = "/guardrails/{id}"
KEYS, MEMBERS = f"{ONE}/assignments/keys", f"{ONE}/assignments/members"


@pytest.fixture
def client(acme, ada):  # noqa: F811
    return client_with(issuing.create(acme, ada, "Deploy", is_management=True)[1])


@pytest.fixture
def team(acme) -> Guardrail:  # noqa: F811
    return saving.create(acme, name="Team")


@pytest.fixture
def key(acme, ben) -> ApiKey:  # noqa: F811
    return issuing.create(acme, ben, "App")[0]


def send(client, operation: str, team=None, **options):
    """Send an operation on this guardrail, and assert the shape of the answer."""
    path = operation.split()[1].replace("{id}", str(team.public_id if isinstance(team, Guardrail) else team))
    return assert_answer(client, operation, path, **options)


def test_a_guardrail_is_created_read_changed_and_deleted(client, acme):  # noqa: F811
    body = {
        "name": "Team \u202e\x00", "description": "For the agents", "limit_usd": 12.5, "reset_interval": "weekly",
        "allowed_models": ["acme/small", "ACME/*"], "ignored_providers": ["Alpha"], "enforce_zdr": True,
        "enforce_zdr_google": False, "enable_paid_model_training": False, "content_filters": [],
        "workspace_id": acme.workspace_id,
    }  # fmt: skip
    made = send(client, "POST /guardrails", body=body, status=201)["data"]
    assert (made["name"], made["limit_usd"], made["reset_interval"]) == ("Team", 12.5, "weekly")
    assert (made["enforce_zdr_anthropic"], made["enforce_zdr_google"]) == (True, False)
    assert (
        made["allowed_models"] == ["acme/small", "acme/*"]
        and made["ignored_providers"] == ["alpha"]
        and made["allowed_providers"] is None
    )
    assert made["workspace_id"] == acme.workspace_id and made["updated_at"] is None
    assert send(client, f"GET {ONE}", made["id"])["data"] == made
    changes = {"limit_usd": None, "allowed_models": ["acme/large", "acme/large"], "description": None}
    changed = send(client, f"PATCH {ONE}", made["id"], body=changes)["data"]
    assert (changed["limit_usd"], changed["allowed_models"], changed["description"]) == (None, ["acme/large"], None)
    assert changed["reset_interval"] == "weekly" and changed["updated_at"]
    listed = send(client, "GET /guardrails", workspace_id=acme.workspace_id)
    assert listed == {"data": [changed], "total_count": 1}
    assert send(client, f"DELETE {ONE}", made["id"]) == {"deleted": True}
    send(client, f"GET {ONE}", made["id"], status=404)


def test_lists_are_paged_newest_first(client, acme):  # noqa: F811
    for name in "abc":
        saving.create(acme, name=name)
    page = send(client, "GET /guardrails", offset=1, limit=1)
    assert ([each["name"] for each in page["data"]], page["total_count"]) == (["b"], 3)
    for bad in ("limit=0", "limit=101", "offset=-1", "workspace_id=x", f"workspace_id={uuid4()}"):
        assert client.get(f"/api/v1/guardrails?{bad}").status_code == 400


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({}, "name"),
        ({"name": " \x00\u200b"}, "name"),
        ({"name": "a" * 201}, "name"),
        ({"name": None}, "name"),
        ({"name": "T", "description": "a" * 1001}, "description"),
        ({"name": "T", "limit_usd": -1}, "limit_usd"),
        ({"name": "T", "limit_usd": "NaN"}, "limit_usd"),
        ({"name": "T", "reset_interval": "hourly"}, "reset_interval"),
        ({"name": "T", "allowed_models": []}, "allowed_models"),
        ({"name": "T", "allowed_models": ["acme/nothing"]}, "“acme/nothing”. The Models page and GET /api/v1/models"),
        ({"name": "T", "allowed_models": ["acme/*", "acm/*"]}, "allowed_models: The catalog doesn't have “acm/*”."),
        ({"name": "T", "ignored_models": ["openrouter/*"]}, "“openrouter/*” is no model: routers choose among models"),
        ({"name": "T", "ignored_providers": ["no-such", "\x00"]}, "ignored_providers"),
        ({"name": "T", "content_filters": [{"pattern": "x", "action": "block"}]}, "content_filters is not supported"),
        ({"name": "T", "workspace_id": str(uuid4())}, "workspace_id"),
    ],
)
def test_bad_fields_are_refused_by_name(client, body, named):
    answer = send(client, "POST /guardrails", body=body, status=400)
    assert named in answer["error"]["message"]
    assert not Guardrail.objects.exists()


def test_keys_are_assigned_replaced_and_removed_in_bulk(client, acme, ada, team, key):  # noqa: F811
    other = issuing.create(acme, ada, "Other")[0]
    hashes = {"key_hashes": [key.hash, other.hash, key.hash]}
    assert send(client, f"POST {KEYS}", team, body=hashes) == {"assigned_count": 2}
    Assignment.objects.filter(key=key).update(window_usage=5)
    assert send(client, f"POST {KEYS}", team, body=hashes) == {"assigned_count": 2}  # and the count goes on
    assert Assignment.objects.get(key=key).window_usage == 5
    strict = saving.create(acme, name="Strict")
    assert send(client, f"POST {KEYS}", strict, body={"key_hashes": [key.hash]}) == {"assigned_count": 1}
    (assigned,) = send(client, f"GET {KEYS}", strict)["data"]
    assert (assigned["key_hash"], assigned["key_name"], assigned["key_label"]) == (key.hash, "App", key.label)
    assert assigned["assigned_by"] == ada.public_id and assigned["guardrail_id"] == str(strict.public_id)
    assert send(client, "GET /guardrails/assignments/keys")["total_count"] == 2
    issuing.delete(other)
    assert send(client, f"GET {KEYS}", team) == {"data": [], "total_count": 0}
    assert send(client, f"POST {KEYS}/remove", team, body=hashes) == {"unassigned_count": 1}
    assert send(client, f"POST {KEYS}/remove", team, body=hashes) == {"unassigned_count": 0}
    assert send(client, "GET /guardrails/assignments/keys")["total_count"] == 1


def test_members_are_assigned_and_removed_in_bulk(client, acme, ada, ben, team):  # noqa: F811
    ids = {"member_user_ids": [ada.public_id, ben.public_id]}
    assert send(client, f"POST {MEMBERS}", team, body=ids) == {"assigned_count": 2}
    page = send(client, f"GET {MEMBERS}", team, limit=1)
    assert page["total_count"] == 2 and page["data"][0]["organization_id"] == acme.public_id
    assert send(client, "GET /guardrails/assignments/members", offset=1)["data"][0]["user_id"] == ada.public_id
    assert send(client, f"POST {MEMBERS}/remove", team, body=ids) == {"unassigned_count": 2}
    assert send(client, f"POST {MEMBERS}/remove", team, body=ids) == {"unassigned_count": 0}
    assert send(client, "GET /guardrails/assignments/members")["total_count"] == 0


def test_what_belongs_to_another_account_does_not_exist(client, cem, ben, team, key):  # noqa: F811
    own = cem.personal_organisation
    foreign, foreign_key = saving.create(own, name="Foreign"), issuing.create(own, cem, "Foreign")[0]
    for operation in (f"GET {ONE}", f"DELETE {ONE}", f"GET {KEYS}", f"GET {MEMBERS}"):
        send(client, operation, foreign, status=404)
        send(client, operation, "x", status=404)
    send(client, f"PATCH {ONE}", foreign, body={"name": "Mine"}, status=404)
    send(client, f"POST {KEYS}", foreign, body={"key_hashes": [key.hash]}, status=404)
    for end in ("", "/remove"):
        both = {"key_hashes": [key.hash, foreign_key.hash]}
        send(client, f"POST {KEYS}{end}", team, body=both, status=404)
        people = {"member_user_ids": [ben.public_id, cem.public_id]}
        assert cem.public_id in send(client, f"POST {MEMBERS}{end}", team, body=people, status=404)["error"]["message"]
        send(client, f"POST {KEYS}{end}", team, body={"key_hashes": []}, status=400)
    assert not Assignment.objects.exists()  # all or none
    management = ApiKey.objects.get(is_management=True)
    send(client, f"POST {KEYS}", team, body={"key_hashes": [management.hash]}, status=404)
    assert Guardrail.objects.get(name="Foreign")


def test_a_person_can_assign_a_guardrail_to_themselves_and_the_budget_shows_on_the_key(cem):  # noqa: F811
    own = cem.personal_organisation
    manager = client_with(issuing.create(own, cem, "Deploy", is_management=True)[1])
    program, secret = issuing.create(own, cem, "App")
    mine = saving.create(own, name="Mine", limit=usd("5"), limit_reset="daily")
    assert send(manager, f"POST {MEMBERS}", mine, body={"member_user_ids": [cem.public_id]}) == {"assigned_count": 1}
    assert send(manager, f"POST {KEYS}", mine, body={"key_hashes": [program.hash]}) == {"assigned_count": 1}
    Assignment.objects.filter(key=program).update(window_usage=usd("2"), window_started_at=program.created_at)
    shown = send(client_with(secret), "GET /key")["data"]
    assert [each["scope"] for each in shown["budgets"]] == ["guardrail_key", "guardrail_member"]
    assert shown["effective_budget"]["remaining_usd"] == 3 and shown["effective_budget"]["limit_usd"] == 5
    assert shown["effective_budget"]["guardrail_id"] == str(mine.public_id)
