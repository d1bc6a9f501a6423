"""The list of keys: an admin sees all, a member their own."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from common.money import PicoUsd, pico_from_cents
from keys import issuing
from keys.models import ApiKey

URL = "/settings/keys"


def test_signed_out_visitors_are_sent_to_sign_in(db):
    response = Client().get(URL)
    assert response.status_code == 302
    assert response.url.startswith("/account/login/?next=/settings/keys")


def test_an_empty_list_offers_to_create_a_key(alice_client):
    html = alice_client.get(URL).content.decode()
    assert "No keys yet" in html
    assert 'href="/settings/keys/create"' in html


def test_it_shows_the_use_of_limits_and_never_a_secret(alice_client, organisation, alice):
    key, secret = issuing.create(organisation, alice, "Laptop", limit=pico_from_cents(1000))
    ApiKey.objects.filter(pk=key.pk).update(usage=pico_from_cents(250))
    html = alice_client.get(URL).content.decode()
    assert "Laptop" in html
    assert key.label in html
    assert "$2.50" in html
    assert "of $10.00" in html
    assert 'value="25"' in html
    assert secret not in html


def test_an_admin_sees_all_keys_and_a_member_their_own(alice_client, bob_client, organisation, alice, bob):
    issuing.create(organisation, alice, "Key of Alice")
    issuing.create(organisation, bob, "Key of Bob")
    everything = alice_client.get(URL).content.decode()
    assert "Key of Alice" in everything
    assert "Key of Bob" in everything
    own = bob_client.get(URL).content.decode()
    assert "Key of Alice" not in own
    assert "Key of Bob" in own


def test_an_outsider_sees_none_of_them(charlie_client, organisation, alice):
    issuing.create(organisation, alice, "Key of Alice")
    assert "Key of Alice" not in charlie_client.get(URL).content.decode()


def test_deleted_and_management_keys_are_not_listed(alice_client, organisation, alice):
    gone, _ = issuing.create(organisation, alice, "Gone")
    issuing.delete(gone)
    issuing.create(organisation, alice, "Manager", is_management=True)
    html = alice_client.get(URL).content.decode()
    assert "Gone" not in html
    assert "Manager" not in html


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({}, "Enabled"),
        ({"disabled": True}, "Disabled"),
        ({"expires_at": timezone.now() - timedelta(hours=1)}, "Expired"),
        ({"limit": PicoUsd(0)}, "Limit reached"),
    ],
)
def test_it_shows_the_state_of_each_key(alice_client, organisation, alice, changes, word):
    key, _ = issuing.create(organisation, alice, "Laptop")
    issuing.update(key, **changes)
    assert f">{word}</span>" in alice_client.get(URL).content.decode()


def test_long_lists_have_pages(alice_client, organisation, alice):
    for number in range(51):
        issuing.create(organisation, alice, f"Key number {number}.")
    first = alice_client.get(URL).content.decode()
    assert "Key number 50." in first
    assert "Key number 0." not in first
    assert "Key number 0." in alice_client.get(URL + "?page=2").content.decode()
    assert alice_client.get(URL + "?page=abc%00").status_code == 200


def test_the_short_url_redirects_to_the_list(alice_client):
    assert alice_client.get("/keys").url == URL


def test_management_keys_are_for_admins(alice_client, bob_client, charlie_client, organisation, alice):
    issuing.create(organisation, alice, "Deploy script", is_management=True)
    assert "Deploy script" in alice_client.get("/settings/management-keys").content.decode()
    assert bob_client.get("/settings/management-keys").status_code == 403
    assert "Deploy script" not in charlie_client.get("/settings/management-keys").content.decode()


def test_the_former_url_of_management_keys_redirects(alice_client):
    assert alice_client.get("/settings/provisioning-keys").url == "/settings/management-keys"


def test_a_member_is_not_offered_management_keys(alice_client, bob_client):
    assert "/settings/management-keys" in alice_client.get(URL).content.decode()
    assert "/settings/management-keys" not in bob_client.get(URL).content.decode()
