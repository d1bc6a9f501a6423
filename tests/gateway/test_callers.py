"""The paying account and its policy: in memory for a moment, never used for longer."""

import asyncio

import pytest
from asgiref.sync import sync_to_async
from django.db.models import BooleanField, JSONField

from accounts import access
from accounts.models import Organisation, PrivacySettings, User
from billing.models import CreditAccount
from gateway import callers
from keys.authentication import KeyIdentity


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The organizations that were read from the database, one entry per read."""
    read, seen = callers._read_payer, []

    def watched(organisation_id: int) -> object:
        seen.append(organisation_id)
        return read(organisation_id)

    monkeypatch.setattr(callers, "_read_payer", watched)
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


def test_an_organization_that_has_saved_nothing_gets_the_strictest_policy_and_an_account(db):
    organisation = Organisation.objects.create(name="New")
    caller = callers.caller_as_saved(User(), organisation)
    assert caller.account_id == CreditAccount.objects.get(organisation=organisation).pk and caller.purchased == 0
    assert caller.policy == callers.Policy() == callers.policy_of(organisation)


def test_every_saved_setting_reaches_the_caller(db):
    organisation = Organisation.objects.create(name="Acme", default_model="acme/one", default_sort="price")
    account = CreditAccount.objects.create(organisation=organisation, credits=5, purchased=4)
    privacy = access.privacy_of(organisation)
    for field in PrivacySettings._meta.concrete_fields:
        if isinstance(field, BooleanField):
            setattr(privacy, field.name, True)
        elif isinstance(field, JSONField):
            setattr(privacy, field.name, [field.name, "é"])
    privacy.log_share = 2_500
    privacy.save()
    caller = callers.caller_as_saved(User(), organisation)
    assert (caller.account_id, caller.purchased, caller.default_model) == (account.pk, 4, "acme/one")
    assert caller.policy == callers.policy_of(Organisation.objects.get(pk=organisation.pk))
    assert caller.policy.ignored_models == {"ignored_models", "é"} and caller.policy.logged_share == 2_500
    assert caller.policy.zero_data_retention is True and caller.policy.default_sort == "price"


def test_an_organization_that_is_gone_is_not_found(db):
    with pytest.raises(Organisation.DoesNotExist):
        callers.caller_as_saved(User(), Organisation(pk=999_999))
