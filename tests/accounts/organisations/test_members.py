"""Settings → Organization: creating, switching, roles, and how members leave."""

import pytest
from django.core import mail
from django.core.exceptions import PermissionDenied
from django.test import Client

from accounts.models import Membership, Organisation
from accounts.organisations import members
from accounts.organisations.signals import Refused
from billing import spending
from billing.credits import ledger, reconciliation
from billing.models import LedgerEntry
from common.money import pico_from_cents
from keys import issuing
from keys.models import ApiKey
from tests.conftest import make_user, signed_in

from .conftest import add_member, client_in

PAGE = "/settings/organization"
ADMIN, MEMBER = Membership.Role.ADMIN, Membership.Role.MEMBER


def roles(organisation: Organisation) -> dict[str, str]:
    return dict(organisation.memberships.values_list("user__email", "role"))


def shown(client: Client, path: str = PAGE) -> str:
    return client.get(path).content.decode()


def test_a_user_creates_an_organization_is_its_admin_and_works_in_it(cem):
    client = signed_in(cem)
    assert "Create an organization" in shown(client)
    page = client.post(f"{PAGE}/create", {"name": " Cem &  Co "}, follow=True)
    created = Organisation.objects.get(name="Cem & Co")
    assert created.is_shared and roles(created) == {"cem@example.com": "admin"}
    assert page.context["organisation"] == created
    assert "<bdi>Cem &amp; Co</bdi>" in page.content.decode()
    assert page.context["credit_account"].organisation == created


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("Ac\u202eme\u2066", "Acme"),
        ("Ac\x07me\r\nBcc: x@y.z", "Acme Bcc: x@y.z"),
        ("Ac\x00me", None),
        ("\u200b\ufeff", None),
        ("\u200d", None),
        ("<b>Acme</b>", "<b>Acme</b>"),
        ("e" + "\u0301" * 50, "é" + "\u0301" * 3),
        ("👩\u200d💻 مرحبا", "👩\u200d💻 مرحبا"),
        ("x" * 101, None),
    ],
)
def test_names_lose_what_cannot_be_seen(cem, typed, name):
    answer = signed_in(cem).post(f"{PAGE}/create", {"name": typed})
    created = Organisation.objects.filter(created_by=cem)
    assert [each.name for each in created] == ([name] if name else [])
    assert answer.status_code == (302 if name else 422)


def test_an_unverified_user_and_one_with_many_organizations_create_none(cem):
    for number in range(members.MAX_CREATED):
        members.create(cem, f"Team {number}")
    members.delete(Organisation.objects.get(name="Team 1"), cem)  # counts for a while
    answer = signed_in(cem).post(f"{PAGE}/create", {"name": "One more"})
    assert answer.status_code == 409 and "up to 5 organizations" in answer.content.decode()
    dana = make_user("dana@example.com")
    dana.emailaddress_set.update(verified=False)
    with pytest.raises(Refused, match="Verify your email"):
        members.create(dana, "Team")


def test_the_bar_switches_without_javascript_and_only_to_own_organizations(ben_client, ben, acme, cem):
    page = shown(ben_client)
    assert f'<button name="organization" value="{acme.public_id}" aria-current="true">' in page
    personal = ben.personal_organisation
    answer = ben_client.post(f"{PAGE}/switch", {"organization": personal.public_id, "next": "/activity"})
    assert answer["Location"] == "/activity"
    assert ben_client.get(PAGE).context["organisation"] == personal
    for hostile in ("https://evil.example/", "//evil.example", "/\\evil.example"):
        sent = ben_client.post(f"{PAGE}/switch", {"organization": acme.public_id, "next": hostile})
        assert sent["Location"] == PAGE
    assert signed_in(cem).post(f"{PAGE}/switch", {"organization": acme.public_id}).status_code == 404
    assert "Switch account" not in shown(signed_in(cem), "/settings/profile")


def test_admins_rename_and_change_roles_and_members_do_not(ada_client, ben_client, ben, acme):
    assert ada_client.post(f"{PAGE}/rename", {"name": "Acme Labs"}).status_code == 302
    acme.refresh_from_db()
    assert acme.name == "Acme Labs"
    assert ben_client.post(f"{PAGE}/rename", {"name": "Mine"}).status_code == 403
    assert "Invite members" not in shown(ben_client)
    role = f"{PAGE}/members/{ben.public_id}/role"
    assert ben_client.post(role, {"role": "admin"}).status_code == 403
    assert ada_client.post(role, {"role": "owner"}).status_code == 422
    assert ada_client.post(role, {"role": "admin"}).status_code == 302
    assert roles(acme) == {"ada@example.com": "admin", "ben@example.com": "admin"}


def test_members_of_others_are_not_found(ada_client, cem):
    other = members.create(cem, "Other")
    for act in ("role", "remove", "hand-over"):
        assert ada_client.post(f"{PAGE}/members/{cem.public_id}/{act}", {"role": "admin"}).status_code == 404
    assert roles(other) == {"cem@example.com": "admin"}


def test_the_last_admin_neither_leaves_nor_becomes_a_member(ada_client, ada, ben, acme):
    for path, data in (
        (f"{PAGE}/leave", {"keys": "disable"}),
        (f"{PAGE}/members/{ada.public_id}/role", {"role": "member"}),
    ):
        answer = ada_client.post(path, data)
        assert answer.status_code == 409
        assert "An organization needs an admin" in answer.content.decode()
    Membership.objects.filter(user=ben).update(role=ADMIN)
    ben.is_active = False  # an admin who cannot sign in is none
    ben.save()
    with pytest.raises(Refused):
        members.leave(acme, ada, None)
    assert roles(acme)["ada@example.com"] == "admin"


def test_handing_over_swaps_the_roles_and_disables_management_keys(ada_client, ada, ben, acme):
    managing, _ = issuing.create(acme, ada, "Deploy", is_management=True)
    ordinary, _ = issuing.create(acme, ada, "App")
    path = f"{PAGE}/members/{ben.public_id}/hand-over"
    assert "Hand over" in shown(ada_client, path)
    assert ada_client.post(path).status_code == 302
    assert roles(acme) == {"ada@example.com": "member", "ben@example.com": "admin"}
    managing.refresh_from_db()
    ordinary.refresh_from_db()
    assert managing.disabled and not ordinary.disabled


def test_the_keys_of_a_removed_member_are_disabled_or_handed_over(ada_client, ada, ben, acme):
    key, secret = issuing.create(acme, ben, "Ben's app")
    own, _ = issuing.create(ben.personal_organisation, ben, "Private")
    path = f"{PAGE}/members/{ben.public_id}/remove"
    assert "1 API key created by this member" in shown(ada_client, path)
    assert ada_client.post(path, {"keys": ben.public_id}).status_code == 422
    assert ada_client.post(path, {"keys": ada.public_id}).status_code == 302
    key.refresh_from_db()
    assert key.created_by == ada and not key.disabled

    dora = add_member(acme, "dora@example.com")
    key, secret = issuing.create(acme, dora, "Dora's app")
    bearer = {"Authorization": f"Bearer {secret}"}
    assert Client(headers=bearer).get("/api/v1/key").status_code == 200
    ada_client.post(f"{PAGE}/members/{dora.public_id}/remove", {"keys": "disable"})
    assert ApiKey.objects.get(pk=key.pk).disabled
    assert roles(acme) == {"ada@example.com": "admin"}
    own.refresh_from_db()
    assert not own.disabled


def test_an_admin_limits_what_a_member_spends(ada_client, ben_client, ben, acme, clock):
    path = f"{PAGE}/members/{ben.public_id}/limit"
    assert ben_client.get(path).status_code == 403
    assert ada_client.post(path, {"limit": "lots", "reset": ""}).status_code == 422
    assert ada_client.post(path, {"limit": "2000000", "reset": ""}).status_code == 422
    assert ada_client.post(path, {"limit": "12.50", "reset": "monthly"}).status_code == 302
    membership = acme.memberships.get(user=ben)
    assert (membership.spend_limit, membership.limit_reset) == (pico_from_cents(1250), "monthly")
    acme.memberships.filter(user=ben).update(window_usage=pico_from_cents(250))
    assert "$10.00 left of $12.50 every month" in shown(ben_client)
    assert 'value="12.5"' in shown(ada_client, path)
    ada_client.post(path, {"limit": "5", "reset": "monthly"})  # the count goes on
    assert acme.memberships.get(user=ben).remaining == pico_from_cents(250)
    clock.advance(days=31)
    assert acme.memberships.get(user=ben).remaining == pico_from_cents(500)
    ada_client.post(path, {"limit": "5", "reset": ""})  # another interval counts from now
    assert acme.memberships.get(user=ben).window_usage == 0
    ada_client.post(path, {"limit": "", "reset": ""})
    assert acme.memberships.get(user=ben).spend_limit is None
    other = add_member(members.create(make_user("x@example.com"), "Other"), "y@example.com")
    assert ada_client.post(f"{PAGE}/members/{other.public_id}/limit", {"limit": "1"}).status_code == 404


def test_a_member_who_leaves_is_back_in_the_personal_account(ben_client, ben, acme):
    assert ben_client.post(f"{PAGE}/leave", {"keys": "disable"}).status_code == 302
    assert ben_client.get(PAGE).context["organisation"] == ben.personal_organisation
    assert ben_client.get(f"{PAGE}/leave").status_code == 404


def test_a_role_that_changed_since_the_form_was_read_decides(ada, ben, acme):
    members.change_role(acme, ada, ben, ADMIN)
    members.change_role(acme, ben, ada, MEMBER)
    for act in (
        lambda: members.remove(acme, ada, ben, None),
        lambda: members.rename(acme, ada, "Mine"),
        lambda: members.delete(acme, ada),
    ):
        with pytest.raises(PermissionDenied):
            act()


def test_a_deleted_organization_is_closed_and_keeps_its_money(ada_client, ben_client, ada, acme):
    account = spending.account_of(acme)
    ledger.add(account, pico_from_cents(500), kind=LedgerEntry.Kind.GRANT, reference="test:acme")
    _, secret = issuing.create(acme, ada, "App")
    page = shown(ada_client, f"{PAGE}/delete")
    assert "$5.00" in page and "2 members lose access" in page and "1 API key stops" in page
    assert ada_client.post(f"{PAGE}/delete", {"name": "Acne"}).status_code == 422
    assert ben_client.get(f"{PAGE}/delete").status_code == 403
    assert ada_client.post(f"{PAGE}/delete", {"name": "Acme"}).status_code == 302
    assert Client(headers={"Authorization": f"Bearer {secret}"}).get("/api/v1/key").status_code == 401
    assert roles(acme) == {}
    assert ben_client.get(PAGE).context["organisation"].is_shared is False
    assert LedgerEntry.objects.filter(account=account).count() == 1
    assert reconciliation.faults() == []


def test_a_personal_account_has_no_members_to_manage(cem):
    client = client_in(cem.personal_organisation, cem)
    for path in ("leave", "delete", f"members/{cem.public_id}/remove"):
        assert client.get(f"{PAGE}/{path}").status_code == 404
    answer = client.post(f"{PAGE}/rename", {"name": "Mine"})
    assert answer.status_code == 409 and "personal account" in answer.content.decode()


def test_members_hear_what_admins_change_and_nothing_of_what_they_do_themselves(
    ada, ben, acme, prompt_worker, django_capture_on_commit_callbacks
):
    dora = add_member(acme, "dora@example.com")
    with django_capture_on_commit_callbacks(execute=True):
        members.change_role(acme, ada, ben, ADMIN)
        members.change_role(acme, ada, ben, ADMIN)  # no change
        members.hand_over(acme, ada, ben)  # Ada does it to herself
        members.remove(acme, ben, dora, ben)
        members.change_role(acme, ben, ada, ADMIN)
        members.remove(acme, ben, ada, None)
    told = [(message.to[0], message.subject) for message in mail.outbox]
    assert told == [
        ("ben@example.com", "You are now an admin of Acme"),
        ("dora@example.com", "You were removed from Acme"),
        ("ada@example.com", "You are now an admin of Acme"),
        ("ada@example.com", "You were removed from Acme"),
    ]
    assert "ben@example.com removed you from Acme" in mail.outbox[1].body
    assert "given to ben@example.com" in mail.outbox[1].body and "are disabled" in mail.outbox[3].body


def test_a_member_who_leaves_gets_no_email(ben, acme, prompt_worker, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        members.leave(acme, ben, None)
    assert mail.outbox == []


def test_admins_read_that_management_keys_end_with_the_role(ada_client, ben_client, ben):
    words = "Making an admin a member disables the management keys that they created."
    assert words in shown(ada_client) and words not in shown(ben_client)
