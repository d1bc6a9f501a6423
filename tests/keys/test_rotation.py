"""Rotation: a new secret, while the old one works for a grace period."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from common.errors import Conflict, NotAuthenticated
from keys import authentication, issuing
from keys.authentication import authenticate_sync
from keys.models import ApiKey, OwnProviderKey
from tests.billing.at_once import all_at_once

DAY = timedelta(days=1)


@pytest.fixture
def issued(organisation, alice):
    return issuing.create(organisation, alice, "Laptop")


@pytest.fixture(autouse=True)
def _nothing_in_memory():
    authentication.identities.clear()


def test_both_secrets_work_until_the_grace_period_ends(issued, clock, django_capture_on_commit_callbacks):
    key, old = issued
    authenticate_sync(f"Bearer {old}")
    with django_capture_on_commit_callbacks(execute=True):
        rotated, new = issuing.rotate(key, grace=timedelta(seconds=1.5))
    assert rotated.hash == authentication.hash_of(new) != key.hash
    for secret in (old, new):
        assert authenticate_sync(f"Bearer {secret}").key_id == key.pk
        assert authenticate_sync(f"Bearer {secret}").hash == rotated.hash
    clock.now += 1.5  # still in memory, but not beyond the end
    with pytest.raises(NotAuthenticated, match="has been rotated"):
        authenticate_sync(f"Bearer {old}")
    assert authenticate_sync(f"Bearer {new}").key_id == key.pk


def test_without_a_grace_period_the_old_secret_stops_at_once(issued, django_capture_on_commit_callbacks):
    key, old = issued
    authenticate_sync(f"Bearer {old}")
    with django_capture_on_commit_callbacks(execute=True):
        issuing.rotate(key, grace=timedelta())
    with pytest.raises(NotAuthenticated):
        authenticate_sync(f"Bearer {old}")


def test_a_second_rotation_ends_the_oldest_secret(issued, django_capture_on_commit_callbacks):
    key, first = issued
    with django_capture_on_commit_callbacks(execute=True):
        key, second = issuing.rotate(key, grace=DAY)
        authenticate_sync(f"Bearer {first}")
        key, third = issuing.rotate(key, grace=DAY)
    with pytest.raises(NotAuthenticated, match="does not exist"):
        authenticate_sync(f"Bearer {first}")
    assert {authenticate_sync(f"Bearer {each}").key_id for each in (second, third)} == {key.pk}


def test_the_schema_keeps_hashes_apart(issued, organisation, alice):
    key, _ = issued
    other, _ = issuing.create(organisation, alice, "Other")
    other, _ = issuing.rotate(other, grace=DAY)
    for wrong in (
        {"previous_hash": other.previous_hash, "previous_hash_expires_at": timezone.now()},
        {"previous_hash": key.hash, "previous_hash_expires_at": timezone.now()},
        {"previous_hash": "0" * 64},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            ApiKey.objects.filter(pk=key.pk).update(**wrong)


@pytest.mark.django_db(transaction=True)
def test_two_rotations_at_the_same_time_make_one_secret(organisation, alice):
    if connection.vendor != "postgresql":
        pytest.skip("SQLite allows one writer at a time")
    key, old = issuing.create(organisation, alice, "Laptop")
    results = all_at_once(*[lambda: issuing.rotate(key, grace=DAY)] * 4)
    refused = [each for each in results if isinstance(each, Conflict)]
    [(rotated, new)] = [each for each in results if not isinstance(each, Exception)]
    assert len(refused) == 3
    assert rotated.previous_hash == key.hash
    assert {authenticate_sync(f"Bearer {each}").key_id for each in (old, new)} == {key.pk}


def test_the_page_rotates_once_and_shows_the_secret_once(alice_client, alice, issued):
    key, old = issued
    url = f"/settings/keys/{key.hash}/rotate"
    assert "The current secret works" in alice_client.get(url).content.decode()
    shown = alice_client.post(url, {"grace": "24"})
    rotated = ApiKey.objects.get()
    assert shown.status_code == 201
    assert "no-store" in shown["Cache-Control"]
    assert rotated.label in authentication.label_of(shown.context["secret"])
    assert abs(rotated.previous_hash_expires_at - timezone.now() - DAY) < timedelta(minutes=1)
    assert rotated.updated_by == alice
    again = alice_client.post(url, {"grace": "24"}, follow=True)  # the page is reloaded
    assert "already rotated" in again.content.decode()
    assert ApiKey.objects.get().hash == rotated.hash

    html = alice_client.get(f"/settings/keys/{key.hash}").content.decode()  # a link with the old hash
    assert "The old secret still works until" in html
    alice_client.post(f"/settings/keys/{rotated.hash}/end-grace")
    authentication.identities.clear()
    with pytest.raises(NotAuthenticated):
        authenticate_sync(f"Bearer {old}")
    assert "old secret still works" not in alice_client.get(f"/settings/keys/{rotated.hash}").content.decode()


def test_a_rotated_key_may_still_use_own_provider_keys_that_list_it(issued, organisation):
    key, _ = issued
    fields = {"organisation": organisation, "provider": "cheap", "secret": "x", "label": "..."}
    listing = OwnProviderKey.objects.create(**fields, allowed_key_hashes=["other", key.hash])
    not_listing = OwnProviderKey.objects.create(**fields, allowed_key_hashes=["other"])
    for_all = OwnProviderKey.objects.create(**fields)
    rotated, _ = issuing.rotate(key, grace=DAY)
    for row, hashes in ((listing, ["other", rotated.hash]), (not_listing, ["other"]), (for_all, None)):
        row.refresh_from_db()
        assert row.allowed_key_hashes == hashes
