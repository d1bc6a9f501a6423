"""Settings > Guardrails, for admins."""

import pytest

from common.clock import utc_now
from guardrails import saving
from guardrails.models import Assignment, Guardrail
from keys import issuing
from models_catalog import catalog
from tests.accounts.organisations.conftest import client_in
from tests.gateway.factory import usd
from tests.guardrails.conftest import budget

PAGE = "/settings/guardrails"

pytestmark = pytest.mark.usefixtures("shop")


def of(guardrail: Guardrail, act: str = "") -> str:
    return f"{PAGE}/{guardrail.public_id}{act}"


def text(response) -> str:
    return " ".join(response.content.decode().split())


def test_a_guardrail_is_created_edited_and_deleted(ada_client, acme):
    assert "No guardrails yet" in text(ada_client.get(PAGE))
    form = {
        "name": "Agents", "limit": "$1,000.50", "limit_reset": "monthly", "allowed_models": "ACME/small\nacme/large,",
        "ignored_providers": "beta", "enforce_zdr_other": "on", "no_paid_training": "on", "include_byok": "on",
    }  # fmt: skip
    made = ada_client.post(f"{PAGE}/create", form, follow=True)
    assert "Created “Agents”" in text(made) and "applies to no request until you assign it" in text(made)
    agents = Guardrail.objects.get()
    assert (agents.limit, agents.limit_reset, agents.allowed_models) == (
        usd("1000.5"), "monthly", ["acme/small", "acme/large"]
    )  # fmt: skip
    assert (agents.enforce_zdr_other, agents.enable_paid_model_training, agents.include_byok) == (True, False, True)
    shown = ada_client.get(of(agents, "/edit"))
    assert 'value="1000.5"' in text(shown) and "acme/small\nacme/large" in shown.content.decode()
    changed = ada_client.post(of(agents, "/edit"), {"name": "Agents 2", "limit": "", "limit_reset": ""}, follow=True)
    assert "Saved “Agents 2”" in text(changed)
    agents.refresh_from_db()
    assert (agents.limit, agents.allowed_models, agents.ignored_providers) == (None, None, None)
    assert (bool(agents.enforce_zdr_other), agents.enable_paid_model_training) == (False, None)
    assert agents.include_byok is False
    assert "This can't be undone." in text(ada_client.get(of(agents, "/delete"))).replace("&#x27;", "'")
    assert "Deleted “Agents 2”" in text(ada_client.post(of(agents, "/delete"), follow=True))
    assert not Guardrail.objects.exists()


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"name": "\x07\u202e"}, "Enter a name"),
        ({"name": "a" * 201}, "at most 200 characters"),
        ({"description": "a" * 1001}, "at most 1000 characters"),
        ({"limit": "much"}, "Enter an amount in dollars"),
        ({"allowed_models": "acme/nothing, acme/small"}, "The catalog doesn&#x27;t have “acme/nothing”."),
        ({"ignored_models": "*"}, "“*” isn&#x27;t an author."),
        ({"ignored_providers": "nothing"}, "Unknown provider slug: “nothing”."),
        ({"limit_reset": "hourly"}, "hourly"),
    ],
)
def test_bad_fields_are_named_beside_the_field(ada_client, fields, error):
    refused = ada_client.post(f"{PAGE}/create", {"name": "Team"} | fields)
    assert refused.status_code == 422 and error in text(refused)
    assert not Guardrail.objects.exists()


def test_a_model_that_has_left_the_catalog_stays_on_the_list(ada_client, acme):
    team = saving.create(acme, name="Team", allowed_models=["acme/small"])
    Guardrail.objects.update(allowed_models=["acme/retired", "acme/small"])
    ada_client.post(of(team, "/edit"), {"name": "Renamed", "allowed_models": "acme/retired\nacme/small"})
    team.refresh_from_db()
    assert (team.name, team.allowed_models) == ("Renamed", ["acme/retired", "acme/small"])
    ada_client.post(of(team, "/edit"), {"name": "Renamed", "allowed_models": "acme/retired\nacme/large"})
    team.refresh_from_db()
    assert team.allowed_models == ["acme/retired", "acme/large"]


def test_the_page_counts_the_models_that_the_lists_allow(ada_client, acme):
    models = catalog.current().models
    authors = sum(each.startswith("acme/") for each in models)
    team = saving.create(acme, name="Team", allowed_models=["acme/*"], ignored_models=["acme/large"])
    left = [each for each in models if each.startswith("acme/") and not each.startswith("acme/large")]
    assert 0 < len(left) < authors
    assert f"{len(left)} of {len(models)} are allowed" in text(ada_client.get(of(team)))
    assert "are allowed" not in text(ada_client.get(of(saving.create(acme, name="Budget"))))


def test_keys_and_members_are_assigned_and_removed_and_show_their_spend(ada_client, acme, ben, cem, key):
    team = budget(acme, "10", "daily", members=[ben])
    Assignment.objects.update(window_usage=usd("2.5"), window_started_at=utc_now())
    shown = text(ada_client.get(of(team)))
    assert "$2.50" in shown and "25% of the budget used" in shown and "ben@example.com" in shown
    assert "applies to App" in text(ada_client.post(of(team, "/assign"), {"key": key.hash}, follow=True))
    assert text(ada_client.get(of(team))).count("of the budget used") == 2
    strict = saving.create(acme, name="Strict")
    assert "instead of Team" in text(ada_client.get(of(strict)))
    ada_client.post(of(strict, "/assign"), {"key": key.hash})
    assert Assignment.objects.get(key=key).guardrail == strict
    ada_client.post(of(team, "/unassign"), {"member": ben.public_id})
    ada_client.post(of(team, "/unassign"), {"key": key.hash})  # which has another one by now
    assert list(Assignment.objects.values_list("key", "user")) == [(key.pk, None)]
    issuing.delete(key)
    assert "applies to no request" in text(ada_client.get(of(strict)))
    for foreign in ({"member": cem.public_id}, {"key": key.hash}, {"member": "\x00"}, {}):
        assert ada_client.post(of(strict, "/assign"), foreign).status_code == 422


def test_members_and_outsiders_do_not_see_guardrails(ben_client, acme, cem, ada_client):
    team = saving.create(acme, name="Team")
    assert ben_client.get(PAGE).status_code == ben_client.get(of(team)).status_code == 403
    outsider = client_in(cem.personal_organisation, cem)
    assert outsider.get(PAGE).status_code == 200 and outsider.get(of(team)).status_code == 404
    assert f'href="{PAGE}"' not in text(ben_client.get("/settings/organization"))
    assert f'href="{PAGE}"' in text(ada_client.get("/settings/organization"))
    assert f'href="{PAGE}"' in text(outsider.get("/settings/privacy"))
