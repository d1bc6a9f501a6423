"""Acme, an organization with a dollar: Ada is its admin, Ben a member with a key; Cem is an outsider."""

import pytest

from accounts.models import User
from billing import spending
from billing.credits import ledger
from billing.models import CreditAccount, LedgerEntry
from guardrails import saving
from guardrails.models import Assignment, Guardrail
from keys import issuing
from keys.models import ApiKey
from tests.accounts.organisations.conftest import acme, ada, ada_client, ben, ben_client, cem  # noqa: F401
from tests.gateway.factory import usd
from tests.models_catalog.conftest import bundled, bundled_rows, shop  # noqa: F401


@pytest.fixture
def account(acme) -> CreditAccount:  # noqa: F811
    account = spending.account_of(acme)
    ledger.add(account, usd("1"), kind=LedgerEntry.Kind.GRANT, reference="test:acme")
    account.refresh_from_db()
    return account


@pytest.fixture
def key(acme, ben) -> ApiKey:  # noqa: F811
    return issuing.create(acme, ben, "App")[0]


def budget(of, limit: str, reset: str = "", *, name: str = "Team", keys=(), members=()) -> Guardrail:
    """Return a new guardrail of an organization with a budget in dollars, assigned to keys and members."""
    made = saving.create(of, name=name, limit=usd(limit), limit_reset=reset)
    saving.assign(made, None, keys=keys, members=members)
    return made


def spent(guardrail: Guardrail, user: User | None = None) -> int:
    """Return what counts toward the budget (pico-USD) of its member, or of its only key."""
    return Assignment.objects.get(guardrail=guardrail, user=user).spent
