"""Operators look API keys up and disable them. No key can be shown."""

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client

from accounts.models import User
from keys import authentication, issuing
from keys.models import ApiKey
from tests.conftest import signed_in

pytestmark = pytest.mark.django_db

KEYS = "/admin/keys/apikey/"


@pytest.fixture
def desk() -> Client:
    return signed_in(User.objects.create_superuser("operator@example.com", "correct horse battery"))


@pytest.fixture
def key(organisation, alice) -> tuple[ApiKey, str]:
    return issuing.create(organisation, alice, "nightly report")


@pytest.mark.parametrize("by", ["hash", "label", "email", "organisation", "name"])
def test_a_key_is_found_by_what_support_is_told(desk, key, charlie, by):
    row, secret = key
    other, _ = issuing.create(charlie.personal_organisation, charlie, "other")
    ApiKey.objects.filter(pk=other.pk).update(label="sk-or-v1-zzz...9999")
    told = {
        "hash": row.hash,
        "label": secret[:12],
        "email": "alice@example.com",
        "organisation": row.organisation.public_id,
        "name": "nightly",
    }[by]
    page = desk.get(KEYS, {"q": told}).content.decode()
    assert row.label in page and "sk-or-v1-zzz" not in page and secret not in page


def test_a_disabled_key_is_refused_at_once(desk, key):
    row, secret = key
    assert authentication.authenticate_sync(f"Bearer {secret}").key_id == row.pk
    chosen = {"action": "disable", "_selected_action": [row.pk]}
    assert "Keys disabled: 1." in desk.post(KEYS, chosen, follow=True).content.decode()
    with pytest.raises(Exception, match="disabled"):
        authentication.authenticate_sync(f"Bearer {secret}")
    assert [entry.change_message for entry in LogEntry.objects.all()] == ["Disabled."]
    desk.post(KEYS, chosen | {"action": "enable"})
    assert authentication.authenticate_sync(f"Bearer {secret}").key_id == row.pk


def test_a_key_cannot_be_edited_or_made_here(desk, key):
    row, _ = key
    page = desk.get(f"{KEYS}{row.pk}/change/").content.decode()
    assert row.hash in page and "$0.00" in page
    assert desk.post(f"{KEYS}{row.pk}/change/", {"limit": "1"}).status_code == 403
    assert desk.get(f"{KEYS}add/").status_code == desk.get(f"{KEYS}{row.pk}/delete/").status_code == 403


def test_members_have_no_way_in(alice_client):
    assert alice_client.get(KEYS).status_code == 302
