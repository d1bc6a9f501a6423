"""Who pays, and under which policy: known in memory for a moment, and never relied on for longer."""

import asyncio
from collections.abc import Callable, Iterator
from types import SimpleNamespace

import pytest
from asgiref.sync import sync_to_async

from accounts.models import Organisation
from gateway import callers


@pytest.fixture
def readings(monkeypatch) -> Iterator[list[int]]:
    """The organisations that were read from the database, one entry for each time."""
    read, seen = callers._read_payer, []

    def watched(organisation_id: int) -> object:
        seen.append(organisation_id)
        return read(organisation_id)

    monkeypatch.setattr(callers, "_read_payer", watched)
    callers.forget()
    yield seen
    callers.forget()


@pytest.fixture
def later(monkeypatch) -> Callable[[float], None]:
    """Let so many seconds go by."""
    clock = [1000.0]
    monkeypatch.setattr(callers, "time", SimpleNamespace(monotonic=lambda: clock[0]))  # nobody else's

    def wait(seconds: float) -> None:
        clock[0] += seconds

    return wait


async def test_one_of_many_requests_reads_its_organisation_again_when_it_is_no_longer_fresh(api, readings, later):
    pk = (await Organisation.objects.aget(credit_account=api.account_id)).pk
    await callers._payer(pk)
    await asyncio.gather(*(callers._payer(pk) for _ in range(20)))
    assert len(readings) == 1
    later(callers.FRESH_SECONDS)
    await asyncio.gather(*(callers._payer(pk) for _ in range(20)))
    assert len(readings) == 2


async def test_what_is_no_longer_usable_is_used_by_nobody(api, readings, later):
    organisation = await Organisation.objects.aget(credit_account=api.account_id)
    await callers._payer(organisation.pk)
    organisation.default_model = "acme/two"
    await sync_to_async(organisation.save)()
    later(callers.USABLE_SECONDS)
    found = await asyncio.gather(*(callers._payer(organisation.pk) for _ in range(5)))
    assert {payer.default_model for payer in found} == {"acme/two"}
