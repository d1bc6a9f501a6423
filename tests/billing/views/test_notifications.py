"""The page of notifications, and unsubscribing signed out."""

import pytest

from billing import spending
from billing.models import SpendSummary
from billing.notifications import summaries, unsubscribing
from common.clock import utc_now
from tests.conftest import signed_in

URL = "/settings/notifications"


@pytest.fixture
def summary(alice, account) -> SpendSummary:
    """Alice's weekly summary; she gets the monthly one too."""
    summaries.choose(alice, account, {"weekly": True, "monthly": True}, utc_now())
    return SpendSummary.objects.get(user=alice, interval="weekly")


def test_summaries_are_off_until_they_are_chosen(alice_client, alice, account):
    page = alice_client.get(URL).content.decode()
    assert "checked" not in page
    assert not SpendSummary.objects.exists()
    page = alice_client.post(URL, {"weekly": "on"}, follow=True).content.decode()
    assert 'name="weekly" checked' in page and 'name="monthly" checked' not in page
    alice_client.post(URL, {"monthly": "on"})
    assert summaries.chosen_by(alice, account) == {"monthly"}


def test_each_member_chooses_for_themselves(bob_client, bob, alice, account, summary, charlie):
    page = bob_client.get(URL).content.decode()
    assert "checked" not in page and "Edit" not in page
    bob_client.post(URL, {"monthly": "on"})
    assert summaries.chosen_by(bob, account) == {"monthly"}
    assert summaries.chosen_by(alice, account) == {"weekly", "monthly"}
    signed_in(charlie).post(URL, {"weekly": "on"})
    own = spending.account_of(charlie.personal_organisation)
    assert list(SpendSummary.objects.filter(user=charlie).values_list("account", flat=True)) == [own.pk]


def test_signed_out_visitors_sign_in_first(client):
    assert client.get(URL)["Location"].startswith("/account/login/")


def test_a_link_asks_before_it_ends_anything(client, alice, account, summary):
    url = f"/unsubscribe/{unsubscribing.token_of(summary)}"
    for _ in range(2):
        page = client.get(url)
        assert "Stop sending the weekly summary of alice to alice@example.com?" in page.content.decode()
        assert page["Cache-Control"].startswith("max-age=0") and "no-store" in page["Cache-Control"]
    client.head(url)
    assert summaries.chosen_by(alice, account) == {"weekly", "monthly"}
    for _ in range(2):
        assert "You&#x27;re unsubscribed" in client.post(url).content.decode().replace("You're", "You&#x27;re")
        assert summaries.chosen_by(alice, account) == {"monthly"}
    assert client.put(url).status_code == 405


def test_a_link_signs_in_to_nothing(client, summary):
    client.post(f"/unsubscribe/{unsubscribing.token_of(summary)}")
    assert "sessionid" not in client.cookies
    assert client.get(URL).status_code == 302
