"""Invitations: by email, for the invited address alone, once, and for a week."""

import re
from datetime import timedelta

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.test import Client

from accounts.models import Invitation, Membership
from accounts.organisations import invitations, members
from accounts.organisations.signals import Refused
from tests.accounts.helpers import sign_up, verification_link
from tests.conftest import make_user, signed_in

from .conftest import add_member

PAGE = "/settings/organization"
DORA = "dora@example.com"


@pytest.fixture
def invited(ada, acme) -> Invitation:
    """An open invitation of Dora, a person without an account."""
    return invitations.invite(acme, ada, DORA, Membership.Role.MEMBER)


def link(invitation: Invitation) -> str:
    return f"/invitations/{invitations.token_of(invitation)}"


def is_member(email: str) -> bool:
    return Membership.objects.filter(organisation__name="Acme", user__email=email).exists()


def test_an_invitation_is_emailed_and_its_token_is_not_stored(ada_client, django_capture_on_commit_callbacks, acme):
    acme.name = "Ac\u202eme"  # from before names were cleaned
    acme.save()
    with django_capture_on_commit_callbacks(execute=True):
        answer = ada_client.post(f"{PAGE}/invite", {"email": " Dora@Example.com ", "role": "admin"}, follow=True)
    assert f"We emailed an invitation to {DORA}." in answer.content.decode()
    invitation = Invitation.objects.get()
    invitations.deliver(invitation.pk)
    [message] = mail.outbox
    assert message.to == [DORA] and message.subject.startswith("Join Acme on ")
    assert "ada@example.com invited you to join the organization “Acme”" in message.body
    assert "\u202e" not in message.body
    [path] = re.findall(r"https?://[^/\s]+(/invitations/\S+)", message.body)
    assert path == link(invitation)
    assert path.rpartition("/")[2] not in str(list(Invitation.objects.values()))
    invitations.deliver(invitation.pk)
    invitations.deliver_due()
    assert len(mail.outbox) == 1


def test_an_email_that_the_mail_server_refuses_is_sent_later(invited, clock, monkeypatch):
    def fail(*_: object) -> None:
        raise OSError("no mail server")

    Invitation.objects.update(due_at=clock.utc_now(), expires_at=clock.utc_now() + timedelta(days=7))
    with monkeypatch.context() as patched:
        patched.setattr(EmailBackend, "send_messages", fail)
        assert not invitations.deliver(invited.pk)
    invitations.deliver_due()
    assert mail.outbox == []
    clock.advance(minutes=6)
    invitations.deliver_due()
    assert [message.to for message in mail.outbox] == [[DORA]]


@pytest.mark.parametrize("verification", ["mandatory", "optional"])
def test_a_person_without_an_account_signs_up_and_is_led_back(invited, settings, verification):
    settings.ACCOUNT_EMAIL_VERIFICATION = verification
    client = Client()
    page = client.get(link(invited)).content.decode()
    assert "Join <bdi>Acme</bdi>" in page
    [sign_up_link] = re.findall(r'href="(/account/signup/\?next=[^"]+)"', page)
    assert f'value="{link(invited)}"' in client.get(sign_up_link).content.decode()
    entered = sign_up(client, DORA, next=link(invited))
    if verification == "optional":
        assert entered["Location"] == link(invited)
        assert f"Verify {DORA} first" in client.get(link(invited)).content.decode()
    assert client.post(link(invited)).status_code == (409 if verification == "optional" else 200)
    confirmed = client.post(verification_link(DORA), follow=True)
    assert confirmed.request["PATH_INFO"] == (PAGE if verification == "optional" else link(invited))
    joined = client.post(link(invited), follow=True)
    assert "You joined Acme." in joined.content.decode()
    assert joined.context["organisation"].name == "Acme" and is_member(DORA)


def test_a_person_who_signed_up_elsewhere_finds_the_invitation_on_the_page(invited):
    client = signed_in(make_user(DORA))
    assert "invited to <strong><bdi>Acme</bdi>" in client.get(PAGE).content.decode()
    client.post(f"{PAGE}/invitations/{invited.pk}/accept")
    assert is_member(DORA)
    assert client.post(f"{PAGE}/invitations/{invited.pk}/accept").status_code == 409


def test_an_invitation_works_once(invited, ada, acme):
    dora = make_user(DORA)
    client = signed_in(dora)
    assert client.post(link(invited)).status_code == 302
    members.remove(acme, ada, dora, None)
    for replayed in (client.get(link(invited)), client.post(link(invited))):
        assert replayed.status_code == 404
        assert "This invitation doesn't work" in replayed.content.decode()
    with pytest.raises(Refused):
        invitations.accept(invited, dora)
    assert not is_member(DORA)


def test_an_invitation_is_for_its_verified_address_only(invited, cem):
    client = signed_in(cem)
    page = client.get(link(invited)).content.decode()
    assert f"Sign in with <strong>{DORA}</strong>" in page and ">Join<" not in page
    cem.emailaddress_set.create(email=DORA, verified=False)
    refused = client.post(link(invited))
    assert refused.status_code == 409 and f"This invitation is for {DORA}" in refused.content.decode()
    assert client.post(f"{PAGE}/invitations/{invited.pk}/accept").status_code == 409
    assert not is_member(cem.email)
    cem.emailaddress_set.filter(email=DORA).update(verified=True)
    client.post(link(invited))
    assert is_member(cem.email)


def test_an_invitation_expires_and_is_sent_again_with_another_link(ada, acme, clock, ada_client):
    invitation = invitations.invite(acme, ada, DORA, Membership.Role.MEMBER)
    first = link(invitation)
    client = signed_in(make_user(DORA))
    clock.advance(days=7)
    assert client.post(first).status_code == 404
    assert "invited to" not in client.get(PAGE).content.decode()
    assert "Expired" in ada_client.get(PAGE).content.decode()
    resend = f"{PAGE}/invitations/{invitation.pk}/resend"
    assert ada_client.post(resend).status_code == 302
    assert ada_client.post(resend).status_code == 409  # a moment ago
    invitation.refresh_from_db()
    assert client.get(first).status_code == 404
    assert client.post(link(invitation)).status_code == 302
    assert ada_client.post(resend).status_code == 409  # accepted


def test_a_revoked_invitation_is_refused(invited, ada_client, ben_client):
    assert ben_client.post(f"{PAGE}/invitations/{invited.pk}/revoke").status_code == 403
    ada_client.post(f"{PAGE}/invitations/{invited.pk}/revoke")
    assert signed_in(make_user(DORA)).post(link(invited)).status_code == 404


def test_invitations_of_others_cannot_be_touched(invited, cem):
    other = members.create(cem, "Other")
    with pytest.raises(Refused):
        invitations.resend(other, cem, invited.pk)
    invitations.revoke(other, cem, invited.pk)
    assert Invitation.objects.filter(pk=invited.pk).exists()


def test_an_organization_has_a_limited_number_of_places(ada, ben, acme, settings):
    settings.ORGANISATION_MAX_MEMBERS = 3
    last = invitations.invite(acme, ada, DORA, Membership.Role.MEMBER)
    with pytest.raises(Refused, match="up to 3 members"):
        invitations.invite(acme, ada, "eve@example.com", Membership.Role.MEMBER)
    with pytest.raises(Refused, match="already a member"):
        invitations.invite(acme, ada, "BEN@example.com", Membership.Role.MEMBER)
    add_member(acme, "fay@example.com")
    with pytest.raises(Refused, match="no place left"):
        invitations.accept(last, make_user(DORA))


def test_an_address_gets_few_emails_however_it_is_invited(ada_client):
    answers = []
    for _ in range(6):
        answers.append(ada_client.post(f"{PAGE}/invite", {"email": DORA, "role": "member"}).status_code)
        Invitation.objects.all().delete()
    assert answers == [302] * 5 + [409]
