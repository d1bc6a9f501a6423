"""The paying account and its policy: in memory for a moment, never used for longer."""

import asyncio
from typing import Any

import pytest
from asgiref.sync import sync_to_async

from accounts.models import Organisation
from common.fresh_cache import FreshCache
from gateway import callers
from keys.authentication import KeyIdentity


class RecordingCache(FreshCache[int, Any]):
    """A cache that records what was read from the database."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.read: list[int] = []

    def put(self, key: int, value: Any, **times: float) -> None:
        self.read.append(key)
        super().put(key, value, **times)


@pytest.fixture
def payers(monkeypatch, clock) -> RecordingCache:
    cache = RecordingCache(fresh_seconds=callers.FRESH_SECONDS, usable_seconds=callers.USABLE_SECONDS, clock=clock)
    monkeypatch.setattr(callers, "payers", cache)
    return cache


async def ask(organisation: Organisation) -> callers.Caller:
    identity = KeyIdentity(
        key_id=1, organisation_id=organisation.pk, created_by=0, is_management=False, hash="", name=""
    )
    return await callers.key_caller(identity)


async def test_one_of_many_requests_reads_a_stale_organization_again(api, payers, clock):
    organisation = await Organisation.objects.aget(credit_account=api.account_id)
    await ask(organisation)
    await asyncio.gather(*(ask(organisation) for _ in range(20)))
    assert payers.read == [organisation.pk]
    clock.now += callers.FRESH_SECONDS
    await asyncio.gather(*(ask(organisation) for _ in range(20)))
    assert payers.read == [organisation.pk] * 2


async def test_an_organization_that_is_too_old_is_never_used(api, payers, clock):
    organisation = await Organisation.objects.aget(credit_account=api.account_id)
    await ask(organisation)
    organisation.default_model = "acme/two"
    await sync_to_async(organisation.save)()
    clock.now += callers.USABLE_SECONDS
    found = await asyncio.gather(*(ask(organisation) for _ in range(5)))
    assert {caller.default_model for caller in found} == {"acme/two"}
