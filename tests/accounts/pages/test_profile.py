"""The profile and security pages."""

import pytest
from django.test import Client

PROFILE = "/settings/profile"


def test_a_user_changes_their_name_and_that_of_their_organization(alice_client, alice, organisation):
    assert alice_client.post(PROFILE, {"name": "  Alice & <Co> "}).status_code == 302
    alice.refresh_from_db()
    organisation.refresh_from_db()
    assert alice.name == organisation.name == "Alice & <Co>"
    assert b"Alice &amp; &lt;Co&gt;" in alice_client.get(PROFILE).content
    alice_client.post(PROFILE, {"name": "Al\u202eice\u0007"})
    alice.refresh_from_db()
    assert alice.name == "Alice"
    alice_client.post(PROFILE, {"name": ""})
    organisation.refresh_from_db()
    assert organisation.name == "alice"


def test_a_name_that_is_too_long_is_refused_and_stays(alice_client, alice):
    response = alice_client.post(PROFILE, {"name": "x" * 101})
    assert response.status_code == 422
    assert b"x" * 101 in response.content
    alice.refresh_from_db()
    assert alice.name == ""


def test_a_members_name_does_not_rename_the_shared_organization(bob_client, bob, organisation):
    bob_client.post(PROFILE, {"name": "Bob"})
    organisation.refresh_from_db()
    assert organisation.name == "alice"
    assert bob.organisations.get(personal_of=bob).name == "Bob"


def test_the_profile_lists_the_users_own_addresses(alice_client, alice, charlie_client):
    alice.emailaddress_set.create(email="second@example.com", verified=False)
    page = alice_client.get(PROFILE).content
    assert b"second@example.com" in page and b"Not verified" in page
    assert b"second@example.com" not in charlie_client.get(PROFILE).content


@pytest.mark.parametrize("address", [PROFILE, "/settings/security", "/settings", "/settings/preferences"])
def test_visitors_are_asked_to_sign_in(db, address):
    assert Client().get(address).url.startswith("/account/login/?next=")


def test_security_leads_to_every_way_to_sign_in(alice_client):
    page = alice_client.get("/settings/security").content.decode()
    for address in ("/account/password/change/", "/account/two-factor/", "/account/two-factor/webauthn/add/"):
        assert f'href="{address}"' in page
