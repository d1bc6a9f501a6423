"""The privacy settings: strict by default, and only admins change them."""

import re

from accounts import access
from accounts.models import PrivacySettings


def test_the_defaults_are_the_strictest(alice_client, organisation):
    page = alice_client.get("/settings/privacy")
    assert page.status_code == 200
    assert re.findall(r'<input[^>]*name="(\w+)"[^>]*\bchecked', page.content.decode()) == ["show_apps_in_rankings"]
    settings = access.privacy_of(organisation)
    assert not (settings.allow_paid_training or settings.allow_free_training or settings.zero_data_retention)


def test_an_admin_changes_the_settings(alice_client, organisation):
    response = alice_client.post("/settings/privacy", {"allow_free_training": "on"})
    assert response.status_code == 302
    saved = PrivacySettings.objects.get(organisation=organisation)
    assert (saved.allow_free_training, saved.allow_paid_training) == (True, False)
    alice_client.post("/settings/privacy", {})
    saved.refresh_from_db()
    assert not saved.allow_free_training


def test_classification_is_off_until_an_admin_turns_it_on(alice_client, organisation):
    assert not access.privacy_of(organisation).classify_requests
    alice_client.post("/settings/privacy", {"classify_requests": "on", "show_apps_in_rankings": "on"})
    assert access.privacy_of(organisation).classify_requests
    page = alice_client.get("/settings/privacy").content.decode()
    assert set(re.findall(r'<input[^>]*name="(\w+)"[^>]*\bchecked', page)) == {
        "show_apps_in_rankings",
        "classify_requests",
    }
    alice_client.post("/settings/privacy", {"show_apps_in_rankings": "on"})
    assert not access.privacy_of(organisation).classify_requests


def test_a_member_can_view_but_not_change_them(bob_client, organisation):
    page = bob_client.get("/settings/privacy")
    assert page.status_code == 200
    assert b"Only admins of" in page.content
    assert bob_client.post("/settings/privacy", {"allow_paid_training": "on"}).status_code == 403
    assert not access.privacy_of(organisation).allow_paid_training


def test_a_stranger_sees_only_their_own(charlie_client, organisation):
    charlie_client.post("/settings/privacy", {"allow_paid_training": "on"})
    assert not access.privacy_of(organisation).allow_paid_training


def test_anonymous_visitors_must_sign_in(client, db):
    assert client.get("/settings/privacy").status_code == 302
