"""A team: Ada is the admin of Acme, Ben a member; Cem is an outsider."""

import pytest
from django.test import Client

from accounts import access
from accounts.models import Membership, Organisation, User
from accounts.organisations import members
from tests.conftest import make_user, signed_in


@pytest.fixture
def ada(db) -> User:
    return make_user("ada@example.com")


@pytest.fixture
def acme(ada: User) -> Organisation:
    return members.create(ada, "Acme")


@pytest.fixture
def ben(acme: Organisation) -> User:
    return add_member(acme, "ben@example.com")


@pytest.fixture
def cem(db) -> User:
    return make_user("cem@example.com")


@pytest.fixture
def ada_client(ada: User, acme: Organisation) -> Client:
    return client_in(acme, ada)


@pytest.fixture
def ben_client(ben: User, acme: Organisation) -> Client:
    return client_in(acme, ben)


def add_member(organisation: Organisation, email: str, role: str = Membership.Role.MEMBER) -> User:
    """Create a user and make them a member of the organization. Return the user."""
    user = make_user(email)
    Membership.objects.create(organisation=organisation, user=user, role=role)
    return user


def client_in(organisation: Organisation, user: User) -> Client:
    """Return a client of the user that has switched to the organization."""
    client = signed_in(user)
    session = client.session
    session[access.SESSION_ORGANISATION] = organisation.public_id
    session.save()
    return client
