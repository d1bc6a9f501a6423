"""The cast: Alice owns an organization with $10, Bob is a member of it, Charlie is an outsider."""

import contextlib
import gc
import importlib
import os
from collections.abc import Generator
from pathlib import Path

import hypothesis
import pytest
from django.core.cache import cache
from django.test import Client, TransactionTestCase

import common.clock
from accounts import access
from accounts.models import Membership, Organisation, User
from billing import spending
from billing.credits import ledger
from billing.models import CreditAccount, LedgerEntry
from common.money import pico_from_cents
from common.storage.fresh_cache import FreshCache
from tests.browser.fixtures import *  # noqa: F403 the browser and the running site, for every test
from tests.support import databases, emptying, tls  # noqa: F401 `tls` for its effect
from tests.support.clocks import MovableClock
from tests.support.databases import django_db_setup  # noqa: F401 a fixture
from tests.support.shared import *  # noqa: F403 sandboxes and the bundled catalog

# A busy machine is slow to draw examples and to run them: that is not a fault of the code under test.
hypothesis.settings.register_profile("site", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("site")

TransactionTestCase._fixture_teardown = emptying.empty


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the seed of the random order at the end too: `-q` hides the header."""
    if (seed := config.getoption("randomly_seed", None)) is not None:
        terminalreporter.write_line(f"Same order again: --randomly-seed={seed}")


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Generator[None, object, object]:
    """Thousands of tests and modules come into being and stay: looking for garbage among them takes a third longer."""
    gc.disable()
    try:
        _import_share(session.config)
        return (yield)
    finally:
        gc.enable()
        gc.freeze()


def _import_share(config: pytest.Config) -> None:
    """In a parallel run of all tests, import other modules first than the other processes do.

    Pytest rewrites the assertions of a module at its first import ever and keeps the result: without this, in a new
    checkout, every process would rewrite every module, at the same time as the others.
    """
    worker = getattr(config, "workerinput", None)
    if not worker or [Path(argument).resolve() for argument in config.args] != [Path(__file__).parent]:
        return
    number, count = int(worker["workerid"][2:]), worker["workercount"]
    modules = sorted(Path(__file__).parent.rglob("test_*.py"))
    for path in modules[number::count]:
        with contextlib.suppress(Exception, pytest.skip.Exception):  # that of a module is told when it is collected
            importlib.import_module(".".join(path.relative_to(config.rootpath).with_suffix("").parts))


def pytest_unconfigure(config: pytest.Config) -> None:
    is_last = not hasattr(config, "workerinput")  # of the processes of a parallel run
    if is_last and not os.environ.get("TEST_SHARED_DIR_KEPT"):  # by an earlier suite, for the next
        databases.drop_originals()


PASSWORD = "correct horse battery"


def make_user(email: str) -> User:
    """Create a user with a verified address and a personal organization."""
    user = User.objects.create_user(email, PASSWORD)
    user.emailaddress_set.create(email=email, verified=True, primary=True)
    access.open_personal_organisation(user)
    return user


@pytest.fixture
def alice(db) -> User:
    return make_user("alice@example.com")


@pytest.fixture
def bob(organisation: Organisation) -> User:
    user = make_user("bob@example.com")
    Membership.objects.create(organisation=organisation, user=user, role=Membership.Role.MEMBER)
    return user


@pytest.fixture
def charlie(db) -> User:
    return make_user("charlie@example.com")


@pytest.fixture
def organisation(alice: User) -> Organisation:
    return alice.personal_organisation


@pytest.fixture
def account(organisation: Organisation) -> CreditAccount:
    """Alice's credit account, with $10."""
    account = spending.account_of(organisation)
    ledger.add(account, pico_from_cents(1000), kind=LedgerEntry.Kind.GRANT, reference=f"test:{account.pk}")
    account.refresh_from_db()
    return account


@pytest.fixture
def alice_client(alice: User) -> Client:
    return signed_in(alice)


@pytest.fixture
def bob_client(bob: User) -> Client:
    """Bob, in Alice's organization."""
    client = signed_in(bob)
    session = client.session
    session[access.SESSION_ORGANISATION] = bob.organisations.exclude(personal_of=bob).get().public_id
    session.save()
    return client


@pytest.fixture
def charlie_client(charlie: User) -> Client:
    return signed_in(charlie)


def signed_in(user: User) -> Client:
    """Return a client with a session of the user."""
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture(autouse=True)
def _empty_caches() -> None:
    """Rolling a test back does not tell the caches that the database has changed."""
    cache.clear()
    for each in list(FreshCache.instances):
        each.clear()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> MovableClock:
    """The clock of `common.clock`, in this test under the test's control."""
    movable = MovableClock()
    monkeypatch.setattr(common.clock, "source", movable)
    return movable
