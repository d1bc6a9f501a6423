"""Authentication: accepted headers, and how fast a revoked key stops working."""

import hashlib
import re
from datetime import timedelta

import pytest
from asgiref.sync import sync_to_async
from django.db import connections
from django.utils import timezone

from accounts.models import Organisation
from common.errors import NotAuthenticated, PermissionDenied
from keys import authentication, issuing
from keys.authentication import authenticate, authenticate_sync
from keys.models import ApiKey


@pytest.fixture
def issued(organisation, alice):
    return issuing.create(organisation, alice, "Laptop")


def test_a_new_secret_is_unique_and_has_the_documented_format():
    one, other = authentication.new_secret(), authentication.new_secret()
    assert re.fullmatch(r"sk-or-v1-[0-9a-f]{64}", one)
    assert one != other


def test_the_hash_is_the_plain_sha256_that_clients_compute_too():
    secret = "sk-or-v1-" + "0e6" + "0" * 57 + "1c96"
    assert authentication.hash_of(secret) == hashlib.sha256(secret.encode()).hexdigest()
    assert authentication.label_of(secret) == "sk-or-v1-0e6...1c96"


def test_the_secret_is_not_stored(issued):
    key, secret = issued
    stored = ApiKey.objects.filter(pk=key.pk).values().get()
    assert all(secret not in str(value) and secret[20:40] not in str(value) for value in stored.values())


@pytest.mark.parametrize("header", ["Bearer {}", "bearer {}", "BEARER   {}  ", "  Bearer\t{}"])
def test_the_scheme_is_case_and_space_insensitive(issued, header, alice, organisation):
    key, secret = issued
    identity = authenticate_sync(header.format(secret))
    assert identity.key_id == key.pk
    assert identity.organisation_id == organisation.pk
    assert identity.created_by == alice.pk
    assert (identity.hash, identity.name, identity.is_management) == (key.hash, "Laptop", False)


def test_x_api_key_works_when_there_is_no_authorization_header(issued):
    key, secret = issued
    assert authenticate_sync(None, secret).key_id == key.pk
    assert authenticate_sync("", f" {secret} ").key_id == key.pk


def test_an_invalid_authorization_header_takes_precedence_over_x_api_key(issued):
    with pytest.raises(NotAuthenticated):
        authenticate_sync("Bearer sk-or-v1-wrong", issued[1])


MALFORMED = [
    None,
    "",
    "   ",
    "Bearer",
    "Bearer ",
    "Basic dXNlcjpwYXNz",
    "sk-or-v1-" + "0" * 64,
    "Bearer sk-or-v1-" + "0" * 63,
    "Bearer sk-or-v1-" + "0" * 65,
    "Bearer sk-or-v1-" + "A" * 64,
    "Bearer sk-or-v1-" + "٣" * 64,
    "Bearer sk-or-v1-" + "0" * 64 + "\n",
    "Bearer sk-or-v1-" + "0" * 64 + ", Bearer sk-or-v1-" + "1" * 64,
    "Bearer sk-or-v1-" + "%" * 64,
    "Bearer ' OR 1=1 --",
    "Bearer \x00\ud800\xff",
    "Bearer " + "a" * 1_000_000,
    " " * 1_000_000,
    "Bearer sk-or-v1-" + "0" * 64,
]


@pytest.mark.parametrize("header", MALFORMED, ids=range(len(MALFORMED)))
def test_a_malformed_header_is_a_401_with_a_remedy(db, header, settings):
    settings.SITE_URL = "https://example.com"
    with pytest.raises(NotAuthenticated) as refused:
        authenticate_sync(header)
    assert refused.value.status == 401
    assert "https://example.com/settings/keys" in refused.value.message
    assert len(refused.value.message) < 300


def test_a_missing_header_is_reported_as_missing(db):
    with pytest.raises(NotAuthenticated, match="Missing Authentication header"):
        authenticate_sync(None)


def test_a_disabled_key_is_refused_until_it_is_enabled(issued, django_capture_on_commit_callbacks):
    key, secret = issued
    assert authenticate_sync(f"Bearer {secret}")
    with django_capture_on_commit_callbacks(execute=True):
        issuing.update(key, disabled=True)
    with pytest.raises(NotAuthenticated, match="disabled"):
        authenticate_sync(f"Bearer {secret}")
    with django_capture_on_commit_callbacks(execute=True):
        issuing.update(key, disabled=False)
    assert authenticate_sync(f"Bearer {secret}").key_id == key.pk


def test_an_expired_key_is_refused(organisation, alice):
    _, secret = issuing.create(organisation, alice, "Old", expires_at=timezone.now() - timedelta(seconds=1))
    with pytest.raises(NotAuthenticated, match="expired"):
        authenticate_sync(f"Bearer {secret}")


def test_a_deleted_key_is_refused_and_its_row_stays(issued, django_capture_on_commit_callbacks):
    key, secret = issued
    authenticate_sync(f"Bearer {secret}")
    with django_capture_on_commit_callbacks(execute=True):
        issuing.delete(key)
    with pytest.raises(NotAuthenticated, match="deleted"):
        authenticate_sync(f"Bearer {secret}")
    key.refresh_from_db()
    assert key.deleted_at is not None


def test_a_busy_key_costs_no_query_for_a_second(issued, clock, django_assert_num_queries):
    _, secret = issued
    with django_assert_num_queries(1):
        for _ in range(100):
            authenticate_sync(f"Bearer {secret}")
            clock.now += 0.009


def test_a_key_revoked_by_another_process_stops_within_two_seconds(issued, clock):
    key, secret = issued
    authenticate_sync(f"Bearer {secret}")
    ApiKey.objects.filter(pk=key.pk).update(disabled=True)  # no call to `clear`: another process did it
    clock.now += 2
    with pytest.raises(NotAuthenticated):
        authenticate_sync(f"Bearer {secret}")


def test_one_caller_reads_a_stale_key_again_while_the_others_use_the_last_one(issued, clock, django_assert_num_queries):
    key, secret = issued
    authenticate_sync(f"Bearer {secret}")
    clock.now += authentication.FRESH_SECONDS
    assert authentication.identities.lookup(key.hash)[1]  # this caller reads it again
    with django_assert_num_queries(0):
        assert authenticate_sync(f"Bearer {secret}").key_id == key.pk
    clock.now += authentication.USABLE_SECONDS - authentication.FRESH_SECONDS
    with django_assert_num_queries(1):
        authenticate_sync(f"Bearer {secret}")


def test_a_key_is_not_used_beyond_its_expiration(organisation, alice, clock):
    _, secret = issuing.create(organisation, alice, "Short", expires_at=clock.utc_now() + timedelta(seconds=0.5))
    assert authenticate_sync(f"Bearer {secret}")
    clock.now += 0.5
    with pytest.raises(NotAuthenticated, match="expired"):
        authenticate_sync(f"Bearer {secret}")


def test_a_key_disabled_while_it_was_read_is_refused_from_then_on(
    issued, monkeypatch, django_capture_on_commit_callbacks
):
    key, secret = issued
    enabled = ApiKey.objects.get(pk=key.pk)

    def read_before_it_was_disabled(_):
        with django_capture_on_commit_callbacks(execute=True):
            issuing.update(key, disabled=True)
        return enabled

    with monkeypatch.context() as reading:
        reading.setattr(authentication, "_read", read_before_it_was_disabled)
        assert authenticate_sync(f"Bearer {secret}").key_id == key.pk
    with pytest.raises(NotAuthenticated, match="disabled"):
        authenticate_sync(f"Bearer {secret}")


def test_unknown_keys_do_not_keep_a_key_that_is_being_read_from_memory(issued, clock, django_assert_num_queries):
    key, secret = issued
    identity = authenticate_sync(f"Bearer {secret}")
    authentication.clear(key.hash)
    clock.now += 1
    read_at = authentication.identities.now()
    clock.now += 0.01
    with pytest.raises(NotAuthenticated):
        authenticate_sync("Bearer sk-or-v1-" + "0" * 64)
    authentication.identities.put(key.hash, identity, read_at=read_at)
    with django_assert_num_queries(0):
        assert authenticate_sync(f"Bearer {secret}").key_id == key.pk


def test_a_refused_key_is_read_every_time(db, django_assert_num_queries):
    for _ in range(2):
        with django_assert_num_queries(1), pytest.raises(NotAuthenticated):
            authenticate_sync("Bearer sk-or-v1-" + "0" * 64)


@pytest.mark.django_db(transaction=True)
async def test_async_authentication_gives_the_same_results(db):
    organisation = await Organisation.objects.acreate(name="Acme")
    key, secret = await sync_to_async(issuing.create)(organisation, None, "Server")
    identity = await authenticate(f"Bearer {secret}")
    assert (identity.key_id, identity.created_by) == (key.pk, 0)
    await sync_to_async(issuing.update)(key, disabled=True)
    with pytest.raises(NotAuthenticated):
        await authenticate(f"Bearer {secret}")
    with pytest.raises(NotAuthenticated):
        await authenticate("Bearer \udcff")
    await sync_to_async(connections.close_all)()  # open connections keep the test database


def test_a_management_key_cannot_run_inference(organisation, alice):
    _, secret = issuing.create(organisation, alice, "Deploy", is_management=True)
    identity = authenticate_sync(f"Bearer {secret}")
    authentication.require_management(identity)
    with pytest.raises(PermissionDenied, match="cannot be used for inference"):
        authentication.require_inference(identity)


def test_an_inference_key_cannot_manage_keys(issued):
    identity = authenticate_sync(f"Bearer {issued[1]}")
    authentication.require_inference(identity)
    with pytest.raises(PermissionDenied, match="Only management keys can perform this operation"):
        authentication.require_management(identity)
