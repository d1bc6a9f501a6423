"""Commands for what support does by hand."""

import io

import pytest
from django.core import mail
from django.core.management import CommandError, call_command

from accounts.models import Membership, Organisation, User
from accounts.organisations import invitations, members
from keys import issuing
from tests.conftest import PASSWORD, make_user

from .helpers import sign_in

pytestmark = pytest.mark.usefixtures("prompt_worker")


def run(*arguments: str) -> str:
    output = io.StringIO()
    call_command(*arguments, stdout=output)
    return output.getvalue()


@pytest.fixture
def acme(alice: User) -> Organisation:
    """Alice's organization, with Ben as a member."""
    acme = members.create(alice, "Acme")
    acme.memberships.create(user=make_user("ben@example.com"))
    return acme


def roles(organisation: Organisation) -> dict[str, str]:
    return dict(Membership.objects.filter(organisation=organisation).values_list("user__email", "role"))


def test_all_sessions_of_a_person_end(alice, client):
    sign_in(client, "alice@example.com", PASSWORD)
    assert client.get("/settings/profile").status_code == 200
    mail.outbox.clear()
    assert run("revoke_sessions", "Alice@example.com") == "Sessions ended: 1.\n"
    assert client.get("/settings/profile").status_code == 302
    assert [message.to for message in mail.outbox] == [["alice@example.com"]]
    assert run("revoke_sessions", "alice@example.com") == "Sessions ended: 0.\n"
    with pytest.raises(CommandError, match="No account"):
        run("revoke_sessions", "x@example.com")


def test_an_invitation_is_revoked(acme, alice):
    invitation = invitations.invite(acme, alice, "new@example.com", "member")
    assert run("revoke_invitation", acme.public_id, "New@example.com") == "Revoked.\n"
    assert invitations.find(invitations.token_of(invitation)) is None
    with pytest.raises(CommandError, match="no invitation of this address"):
        run("revoke_invitation", acme.public_id, "new@example.com")
    with pytest.raises(CommandError, match="No organization has this ID"):
        run("revoke_invitation", alice.personal_organisation.public_id, "new@example.com")


def test_a_member_becomes_an_admin_and_with_alone_the_only_one(acme, alice, django_capture_on_commit_callbacks):
    managing, _ = issuing.create(acme, alice, "Deploy", is_management=True)
    run("hand_over_organization", acme.public_id, "ben@example.com")
    assert roles(acme) == {"alice@example.com": "admin", "ben@example.com": "admin"}
    with django_capture_on_commit_callbacks(execute=True):
        told = run("hand_over_organization", acme.public_id, "ben@example.com", "--alone")
    assert "alice@example.com is a member." in told
    assert roles(acme) == {"alice@example.com": "member", "ben@example.com": "admin"}
    managing.refresh_from_db()
    assert managing.disabled
    [message] = mail.outbox
    assert message.to == ["alice@example.com"] and message.subject == "You are now a member of Acme"
    assert "an operator of" in message.body
    with pytest.raises(CommandError, match="no member with this email address"):
        run("hand_over_organization", acme.public_id, "x@example.com")


def test_a_disabled_member_gets_no_organization(acme):
    User.objects.filter(email="ben@example.com").update(is_active=False)
    with pytest.raises(CommandError, match="disabled"):
        run("hand_over_organization", acme.public_id, "ben@example.com")
