"""The page of notifications, and unsubscribing signed out."""

import pytest

from billing import spending
from billing.models import EmailChoice
from billing.notifications import choices, unsubscribing
from billing.notifications.choices import Kind
from common.clock import utc_now
from tests.conftest import signed_in

URL = "/settings/notifications"
ON_AT_FIRST = {kind.value for kind in Kind} - {"weekly", "monthly"}


@pytest.fixture
def summary(alice, account) -> EmailChoice:
    """Alice's weekly summary; she gets the monthly one too."""
    choices.choose(alice, account, {"weekly": True, "monthly": True}, utc_now())
    return EmailChoice.objects.get(user=alice, kind="weekly")


def switches(page: str) -> dict[str, bool]:
    """The switches of the page, and whether each is on."""
    found = {kind.value: f'name="{kind.value}" checked' in page for kind in Kind}
    return {kind: is_on for kind, is_on in found.items() if f'name="{kind}"' in page}


def test_alerts_are_on_and_summaries_off_until_they_are_chosen(alice_client, alice, account):
    page = alice_client.get(URL).content.decode()
    assert switches(page) == {kind.value: kind.value in ON_AT_FIRST for kind in Kind}
    assert "You can't turn these off." in page
    assert not EmailChoice.objects.exists()
    page = alice_client.post(URL, {"weekly": "on", "key_limit": "on"}, follow=True).content.decode()
    assert switches(page) == {kind.value: kind in (Kind.WEEKLY, Kind.KEY_LIMIT) for kind in Kind}
    alice_client.post(URL, {"monthly": "on"})
    assert choices.chosen_by(alice, account) == {"monthly"}


def test_each_member_chooses_for_themselves(bob_client, bob, alice, account, summary, charlie):
    page = bob_client.get(URL).content.decode()
    assert switches(page) == {
        "key_limit": True, "budget": True, "model_deprecation": True, "new_sign_in": True, "weekly": False,
        "monthly": False,
    }  # fmt: skip
    assert "Edit" not in page
    bob_client.post(URL, {"monthly": "on", "low_balance": "on"})
    assert choices.chosen_by(bob, account) - choices.FOR_ADMINS == {"monthly", "new_sign_in"}
    assert not EmailChoice.objects.filter(user=bob, kind__in=choices.FOR_ADMINS).exists()
    assert choices.chosen_by(alice, account) == ON_AT_FIRST | {"weekly", "monthly"}
    signed_in(charlie).post(URL, {"weekly": "on"})
    own = spending.account_of(charlie.personal_organisation)
    assert set(EmailChoice.objects.filter(user=charlie).values_list("account", flat=True)) == {own.pk}


def test_the_choice_about_sign_ins_is_the_same_in_every_organization(bob_client, bob, account):
    bob_client.post(URL, {"budget": "on"})
    assert not switches(bob_client.get(URL).content.decode())["new_sign_in"]
    at_home = switches(signed_in(bob).get(URL).content.decode())
    assert not at_home["new_sign_in"] and at_home["key_limit"]


def test_signed_out_visitors_sign_in_first(client):
    assert client.get(URL)["Location"].startswith("/account/login/")


def test_a_link_asks_before_it_ends_anything(client, alice, account, summary):
    url = f"/unsubscribe/{unsubscribing.token_of(summary)}"
    for _ in range(2):
        page = client.get(url)
        assert "Stop sending the weekly summary of alice to alice@example.com?" in page.content.decode()
        assert page["Cache-Control"].startswith("max-age=0") and "no-store" in page["Cache-Control"]
    client.head(url)
    assert "weekly" in choices.chosen_by(alice, account)
    for _ in range(2):
        assert "You&#x27;re unsubscribed" in client.post(url).content.decode().replace("You're", "You&#x27;re")
        assert choices.chosen_by(alice, account) == ON_AT_FIRST | {"monthly"}
    assert client.put(url).status_code == 405


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind not in choices.SUMMARIES])
def test_each_kind_ends_with_its_own_link(client, alice, account, kind):
    choice = choices.choice_of(alice, account, kind)
    url = f"/unsubscribe/{unsubscribing.token_of(choice)}"
    assert f"Stop sending the {choice.sentence_name} of alice" in client.get(url).content.decode()
    assert client.post(url, {"List-Unsubscribe": "One-Click"}).status_code == 200
    assert choices.chosen_by(alice, account) == ON_AT_FIRST - {kind.value}


def test_a_link_signs_in_to_nothing(client, summary):
    client.post(f"/unsubscribe/{unsubscribing.token_of(summary)}")
    assert "sessionid" not in client.cookies
    assert client.get(URL).status_code == 302


def test_a_summary_turned_on_again_is_not_about_a_period_twice(alice, account, summary):
    before = summary.covered_until
    choices.turn_off(summary)
    choices.choose(alice, account, {"weekly": True}, utc_now())
    summary.refresh_from_db()
    assert summary.is_on and summary.covered_until == before
