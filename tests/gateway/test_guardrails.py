"""Guardrails of callers: which apply to a key and in the chat, and what they cost where there are none."""

import pytest
from asgiref.sync import async_to_sync, sync_to_async

from accounts.models import User
from gateway import callers, completions
from gateway.routing import catalogue_cache
from guardrails import saving
from keys import issuing
from keys.authentication import KeyIdentity
from keys.models import ApiKey


def identity_of(key: ApiKey) -> KeyIdentity:
    return KeyIdentity(key.pk, key.organisation_id, key.created_by_id or 0, False, key.hash, key.name)


@pytest.fixture
def api_key(organisation, alice) -> ApiKey:
    return issuing.create(organisation, alice, "App")[0]


@pytest.fixture
def names_of(organisation):
    """Return the names of the guardrails that apply to a key, or to a user's chat."""

    def names(caller: ApiKey | User) -> list[str]:
        callers.clear()
        if isinstance(caller, ApiKey):
            found = async_to_sync(callers.key_caller)(identity_of(caller))
        else:
            found = async_to_sync(callers.chat_caller)(caller, organisation)
        return [each.name for each in found.policy.guardrails]

    return names


def test_a_key_has_its_guardrail_and_its_creators_and_the_chat_the_members(api_key, organisation, alice, names_of):
    assert names_of(api_key) == names_of(alice) == []
    saving.assign(saving.create(organisation, name="Of the key"), alice, keys=[api_key])
    people = saving.create(organisation, name="Of Alice")
    saving.assign(people, alice, members=[alice])
    assert names_of(api_key) == ["Of the key", "Of Alice"]
    assert names_of(alice) == ["Of Alice"]
    saving.unassign(people, members=[alice])
    assert names_of(api_key) == ["Of the key"] and names_of(alice) == []


def test_an_organization_without_guardrails_costs_no_query_more(api_key, django_assert_num_queries):
    ask = async_to_sync(callers.key_caller)
    identity = identity_of(api_key)
    callers.clear()
    ask(identity)
    callers.clear()
    with django_assert_num_queries(1):  # the organization with its privacy settings and its account
        ask(identity)
    with django_assert_num_queries(0):
        ask(identity)


async def test_requests_and_the_list_of_models_follow_a_guardrail(api, organisation):
    key = await ApiKey.objects.aget(pk=api.key_id)
    team = await sync_to_async(saving.create)(organisation, name="Team", allowed_models=["acme/one"])
    assert (await api.chat()).status_code == 200
    await sync_to_async(saving.update)(team, allowed_models=None, ignored_models=["acme/one"])
    await sync_to_async(saving.assign)(team, None, keys=[key])
    callers.clear()
    refused = await api.chat()
    assert refused.status_code == 403
    assert "guardrail “Team” (model not allowed)" in refused.json()["error"]["message"]
    caller = await callers.key_caller(identity_of(key))
    assert "acme/one" in await completions.unavailable_models(caller)
    assert "acme/one" in (await catalogue_cache.catalogue()).models
