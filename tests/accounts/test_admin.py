"""The first administrator, and the admin of people and organizations."""

from io import StringIO

import pytest
from django.contrib.admin.models import LogEntry
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from accounts.models import Invitation, User
from accounts.organisations import invitations, members
from common.money import PICO_PER_USD, PicoUsd
from tests.conftest import signed_in

from .helpers import PASSWORD, sign_in

pytestmark = pytest.mark.django_db

USERS, ORGANISATIONS = "/admin/accounts/user/", "/admin/accounts/organisation/"


@pytest.fixture
def operator() -> User:
    return User.objects.create_superuser("operator@example.com", PASSWORD)


@pytest.fixture
def desk(operator: User) -> Client:
    return signed_in(operator)


def act(client: Client, path: str, action: str, *rows) -> str:
    chosen = {"action": action, "_selected_action": [row.pk for row in rows]}
    return client.post(path, chosen, follow=True).content.decode()


def test_createsuperuser_makes_an_administrator_who_can_sign_in_at_once(monkeypatch):
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)
    call_command("createsuperuser", "--noinput", "--email", "Boss@Example.com", stdout=StringIO())
    boss = User.objects.get()
    address = boss.emailaddress_set.get()
    assert (address.email, address.verified, address.primary) == ("boss@example.com", True, True)
    assert boss.personal_organisation.memberships.get().role == "admin"
    browser = Client()
    assert sign_in(browser, "boss@example.com", PASSWORD).url == reverse("home")
    assert browser.get("/settings/credits").status_code == 200
    assert browser.get("/admin/").status_code == 200


def test_createsuperuser_refuses_a_taken_address(alice: User, monkeypatch):
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)
    with pytest.raises(CommandError, match="already taken"):
        call_command("createsuperuser", "--noinput", "--email", "alice@example.com")
    assert User.objects.count() == 1


@pytest.mark.parametrize("find", ["alice@example.com", "ALICE@example.com", "ali", "public_id"])
def test_people_are_found_by_address_and_id(desk, alice, charlie, find):
    page = desk.get(USERS, {"q": alice.public_id if find == "public_id" else find}).content.decode()
    assert "alice@example.com" in page and "charlie@example.com" not in page


def test_a_disabled_person_is_signed_out_everywhere_and_cannot_sign_in(desk, alice, alice_client):
    assert alice_client.get("/settings/keys").status_code == 200
    assert "Users disabled: 1." in act(desk, USERS, "disable", alice)
    assert alice_client.get("/settings/keys").status_code == 302
    sign_in(browser := Client(), "alice@example.com", "correct horse battery")
    assert "_auth_user_id" not in browser.session
    assert [entry.change_message for entry in LogEntry.objects.all()] == ["Disabled."]
    assert "Users enabled: 1." in act(desk, USERS, "enable", alice)
    assert alice_client.get("/settings/keys").status_code == 200


def test_an_operator_cannot_lock_themselves_out_nor_disable_a_superuser(desk, operator, alice):
    assert "can&#x27;t disable yourself" in act(desk, USERS, "disable", operator)
    alice.is_staff = True
    alice.save()
    from django.contrib.auth.models import Permission

    alice.user_permissions.set(Permission.objects.filter(content_type__app_label="accounts"))
    assert "Only a superuser can change operator@example.com" in act(signed_in(alice), USERS, "disable", operator)
    operator.refresh_from_db()
    assert operator.is_active


def test_a_person_is_shown_with_their_organizations_and_cannot_be_edited(desk, alice, organisation):
    path = f"{USERS}{alice.pk}/change/"
    page = desk.get(path).content.decode()
    assert organisation.public_id in page
    assert alice.password not in page
    assert desk.post(path, {"email": "mallory@example.com"}).status_code == 403
    assert desk.get(f"{USERS}add/").status_code == desk.get(f"{USERS}{alice.pk}/delete/").status_code == 403


@pytest.mark.parametrize("find", ["name", "public_id", "bob@example.com"])
def test_organizations_are_found_by_name_id_and_member(desk, organisation, bob, charlie, find):
    page = desk.get(ORGANISATIONS, {"q": getattr(organisation, find, find)}).content.decode()
    assert organisation.public_id in page and charlie.personal_organisation.public_id not in page


def test_an_organization_shows_its_members_and_links_to_its_account_and_keys(desk, organisation, bob, account):
    page = desk.get(f"{ORGANISATIONS}{organisation.pk}/change/").content.decode()
    assert "bob@example.com" in page
    for kind in ("billing_creditaccount", "keys_apikey"):
        link = f"{reverse(f'admin:{kind}_changelist')}?q={organisation.public_id}"
        assert link in page
        assert desk.get(link).status_code == 200


def test_members_have_no_way_in(alice_client):
    assert alice_client.get(USERS).status_code == alice_client.get(ORGANISATIONS).status_code == 302


def test_invitations_are_shown_without_their_token_and_can_be_revoked(desk, alice):
    acme = members.create(alice, "Acme")
    invitation = invitations.invite(acme, alice, "new@example.com", "member")
    for path in (
        "/admin/accounts/invitation/?q=new@example.com",
        f"/admin/accounts/invitation/{invitation.pk}/change/",
    ):
        page = desk.get(path).content.decode()
        assert "new@example.com" in page and "Email waits" in page
        assert invitation.token_hash not in page and invitation.nonce not in page
    assert "Invitations revoked: 1." in act(desk, "/admin/accounts/invitation/", "revoke", invitation)
    assert not Invitation.objects.exists()
    assert invitations.find(invitations.token_of(invitation)) is None
    assert LogEntry.objects.get().change_message == "Revoked the invitation of new@example.com."


def test_an_organization_shows_its_members_with_their_limits(desk, alice, charlie):
    acme = members.create(alice, "Acme")
    acme.memberships.create(user=charlie)
    members.set_limit(acme, alice, charlie, PicoUsd(5 * PICO_PER_USD), "weekly")
    page = desk.get(f"{ORGANISATIONS}{acme.pk}/change/").content.decode()
    assert "charlie@example.com" in page and "$5.00 every week" in page
