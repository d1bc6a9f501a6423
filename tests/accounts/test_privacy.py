"""The privacy settings: off until switched on, and only an admin switches."""

from accounts import access
from accounts.models import PrivacySettings


def test_everything_is_off_until_somebody_switches_it_on(alice_client, organisation):
    page = alice_client.get("/settings/privacy")
    assert page.status_code == 200
    assert b"checked" not in page.content
    settings = access.privacy_of(organisation)
    assert not (settings.allow_paid_training or settings.allow_free_training or settings.zero_data_retention)


def test_an_admin_changes_the_settings(alice_client, organisation):
    answer = alice_client.post("/settings/privacy", {"allow_free_training": "on"})
    assert answer.status_code == 302
    saved = PrivacySettings.objects.get(organisation=organisation)
    assert (saved.allow_free_training, saved.allow_paid_training) == (True, False)
    alice_client.post("/settings/privacy", {})
    saved.refresh_from_db()
    assert not saved.allow_free_training


def test_a_member_reads_and_cannot_change(bob_client, organisation):
    page = bob_client.get("/settings/privacy")
    assert page.status_code == 200
    assert b"Only admins of" in page.content
    assert bob_client.post("/settings/privacy", {"allow_paid_training": "on"}).status_code == 403
    assert not access.privacy_of(organisation).allow_paid_training


def test_an_outsider_sees_only_their_own(charlie_client, organisation):
    charlie_client.post("/settings/privacy", {"allow_paid_training": "on"})
    assert not access.privacy_of(organisation).allow_paid_training


def test_a_visitor_is_asked_to_sign_in(client, db):
    assert client.get("/settings/privacy").status_code == 302
