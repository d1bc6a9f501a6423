"""The paying account and its policy: in memory for a moment, never used for longer."""

import asyncio

import pytest
from asgiref.sync import sync_to_async

from accounts.models import Organisation
from billing import spending
from gateway import callers
from keys.authentication import KeyIdentity


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The organizations whose account was read from the database, one entry per read."""
    account_of, seen = spending.account_of, []

    def watched(organisation: Organisation) -> object:
        seen.append(organisation.pk)
        return account_of(organisation)

    monkeypatch.setattr(spending, "account_of", watched)
    return seen


async def ask(organisation: Organisation) -> callers.Caller:
    identity = KeyIdentity(
        key_id=1, organisation_id=organisation.pk, created_by=0, is_management=False, hash="", name=""
    )
    return await callers.key_caller(identity)


async def test_one_of_many_requests_reads_a_stale_organization_again(api, reads, clock):
    organisation = await Organisation.objects.aget(credit_account=api.account_id)
    await ask(organisation)
    await asyncio.gather(*(ask(organisation) for _ in range(20)))
    assert reads == [organisation.pk]
    clock.now += callers.FRESH_SECONDS
    await asyncio.gather(*(ask(organisation) for _ in range(20)))
    assert reads == [organisation.pk] * 2


async def test_an_organization_that_is_too_old_is_never_used(api, clock):
    organisation = await Organisation.objects.aget(credit_account=api.account_id)
    await ask(organisation)
    organisation.default_model = "acme/two"
    await sync_to_async(organisation.save)()
    clock.now += callers.USABLE_SECONDS
    found = await asyncio.gather(*(ask(organisation) for _ in range(5)))
    assert {caller.default_model for caller in found} == {"acme/two"}
