"""Fixtures of the rankings: a clock that stands, and the accounts of several people."""

from datetime import UTC, datetime, timedelta

import pytest

from activity.tasks import count_rankings
from billing import spending
from billing.models import CreditAccount
from tests.activity.factory import make_request
from tests.conftest import make_user

NOON = datetime(2026, 11, 18, 12, tzinfo=UTC)  # a Wednesday
DAY = timedelta(days=1)
NOTES, CLI = "https://notes.example.com/", "https://github.com/acme/cli"


@pytest.fixture(autouse=True)
def _noon(clock) -> None:
    clock.set(NOON)


@pytest.fixture
def others(db) -> list[CreditAccount]:
    """The accounts of four strangers."""
    users = [make_user(f"stranger{number}@example.com") for number in range(4)]
    return [spending.account_of(user.personal_organisation) for user in users]


def use(account: CreditAccount, app: str, tokens: int, days_ago: int = 0, **fields):
    """One request of an app, with that many tokens."""
    fields = {"prompt_tokens": tokens, "completion_tokens": 0, "cost": 0, "app": app, **fields}
    return make_request(account, NOON - days_ago * DAY, **fields)


def count() -> None:
    """Run the clock's task."""
    count_rankings()
