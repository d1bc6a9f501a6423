"""Members who change the same organization at the same time."""

from functools import partial

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.http import Http404

from accounts.models import Membership
from accounts.organisations import invitations, members
from accounts.organisations.signals import Refused
from tests.billing.at_once import all_at_once
from tests.conftest import make_user

from .conftest import add_member

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite allows one writer at a time"),
]
ADMIN = Membership.Role.ADMIN


def admins(organisation) -> list[str]:
    return sorted(organisation.members.filter(memberships__role=ADMIN).values_list("email", flat=True))


@pytest.mark.parametrize("act", ["remove", "demote", "leave"])
def test_of_two_admins_who_end_each_others_role_one_wins(ada, acme, act):
    eve = add_member(acme, "eve@example.com", ADMIN)
    acts = {
        "remove": lambda one, other: members.remove(acme, one, other, None),
        "demote": lambda one, other: members.change_role(acme, one, other, Membership.Role.MEMBER),
        "leave": lambda one, _: members.leave(acme, one, None),
    }
    results = all_at_once(lambda: acts[act](ada, eve), lambda: acts[act](eve, ada))
    assert [each for each in results if each is None] == [None]
    [refused] = [each for each in results if each is not None]
    assert isinstance(refused, PermissionDenied | Refused | Http404)
    assert len(admins(acme)) == 1


def test_an_invitation_accepted_twice_at_once_is_used_once(ada, acme):
    invitation = invitations.invite(acme, ada, "dora@example.com", ADMIN)
    dora = make_user("dora@example.com")
    results = all_at_once(*[lambda: invitations.accept(invitation, dora)] * 3)
    assert results.count(acme) == 1
    assert sum(isinstance(each, Refused) for each in results) == 2
    assert acme.memberships.filter(user=dora).count() == 1


def test_the_last_place_is_taken_once(ada, acme, settings):
    settings.ORGANISATION_MAX_MEMBERS = 3
    people = [make_user(f"guest{number}@example.com") for number in range(2)]
    open_ones = [invitations.invite(acme, ada, each.email, Membership.Role.MEMBER) for each in people]
    add_member(acme, "quick@example.com")
    both = zip(open_ones, people, strict=True)
    results = all_at_once(*[partial(invitations.accept, invitation, user) for invitation, user in both])
    assert sum(isinstance(each, Refused) for each in results) == 1
    assert acme.memberships.count() == 3
