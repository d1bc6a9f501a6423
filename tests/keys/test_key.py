"""The page of a key: edit, disable and delete it."""

from datetime import timedelta

import pytest
from django.utils import timezone

from common.errors import NotAuthenticated
from common.money import pico_from_cents
from keys import issuing
from keys.authentication import authenticate_sync
from keys.models import ApiKey


@pytest.fixture
def issued(organisation, alice):
    return issuing.create(organisation, alice, "Laptop")


@pytest.fixture
def key(issued):
    return issued[0]


@pytest.fixture
def url(key):
    return f"/settings/keys/{key.hash}"


def test_it_shows_usage_and_the_remaining_limit(alice_client, key, url):
    now = timezone.now()
    issuing.update(key, limit=pico_from_cents(500), limit_reset="daily")
    ApiKey.objects.filter(pk=key.pk).update(
        usage=pico_from_cents(900), window_usage=pico_from_cents(125), window_started_at=now, last_used_at=now
    )
    html = alice_client.get(url).content.decode()
    assert "$9.00" in html
    assert "$1.25" in html
    assert "$3.75" in html
    assert f"/activity?key={key.hash}" in html


def test_the_short_url_redirects_to_it(alice_client, key, url):
    assert alice_client.get(f"/keys/{key.hash}").url == url


def test_a_member_sees_only_their_own_keys(bob_client, bob, organisation, url):
    own, _ = issuing.create(organisation, bob, "Bob's")
    assert bob_client.get(f"/settings/keys/{own.hash}").status_code == 200
    assert bob_client.get(url).status_code == 404


@pytest.mark.parametrize("who", ["bob_client", "charlie_client"])
@pytest.mark.parametrize("action", ["", "/change", "/switch", "/delete"])
def test_keys_of_others_are_not_found(request, who, action, key, url):
    client = request.getfixturevalue(who)
    if action != "/switch":
        assert client.get(url + action).status_code == 404
    if action:
        assert client.post(url + action, {"name": "Mine now", "disabled": "on"}).status_code == 404
    key.refresh_from_db()
    assert (key.name, key.disabled, key.deleted_at) == ("Laptop", False, None)


@pytest.mark.parametrize("tail", ["0" * 64, "0" * 63, "A" * 64, "%00" * 64, "..%2F..", "'%20OR%201=1"])
def test_an_invalid_hash_is_not_found(alice_client, tail):
    assert alice_client.get(f"/settings/keys/{tail}").status_code == 404


def test_a_deleted_key_has_no_page(alice_client, key, url):
    issuing.delete(key)
    assert alice_client.get(url).status_code == 404


def test_name_limit_and_expiration_can_be_edited(alice_client, key, url):
    response = alice_client.post(
        url + "/change", {"name": "Desk", "limit": "7.5", "limit_reset": "monthly", "expiry": "7", "from": "key"}
    )
    assert response.url == url
    key.refresh_from_db()
    assert (key.name, key.limit, key.limit_reset) == ("Desk", pico_from_cents(750), "monthly")
    assert abs(key.expires_at - timezone.now() - timedelta(days=7)) < timedelta(minutes=1)
    assert key.updated_at is not None


def test_an_unchanged_expiration_keeps_its_seconds(alice_client, key, url):
    moment = timezone.now() + timedelta(days=3, seconds=12)
    issuing.update(key, expires_at=moment)
    assert 'value="keep" selected' in alice_client.get(url + "/change").content.decode()
    alice_client.post(url + "/change", {"name": "Desk", "limit": "", "limit_reset": "", "expiry": "keep"})
    key.refresh_from_db()
    assert (key.name, key.expires_at) == ("Desk", moment)


def test_whether_own_provider_keys_count_can_be_edited(alice_client, key, url):
    form = {"name": "Laptop", "limit": "5", "limit_reset": "", "expiry": ""}
    for sent, counts in (({"include_byok_in_limit": "on"}, True), ({}, False)):
        alice_client.post(url + "/change", form | sent)
        key.refresh_from_db()
        assert key.include_byok_in_limit == counts
        page = alice_client.get(url + "/change").content.decode()
        assert ("checked" in page.partition('name="include_byok_in_limit"')[2].partition(">")[0]) == counts


def test_a_limit_can_be_removed(alice_client, key, url):
    issuing.update(key, limit=pico_from_cents(1), expires_at=timezone.now())
    alice_client.post(url + "/change", {"name": "Laptop", "limit": "", "limit_reset": "", "expiry": ""})
    key.refresh_from_db()
    assert (key.limit, key.expires_at) == (None, None)


def test_the_form_shows_the_exact_limit(alice_client, key, url):
    issuing.update(key, limit=1_500_000_000)
    assert 'value="0.0015"' in alice_client.get(url + "/change").content.decode()


def test_editing_a_key_does_not_change_its_counters(key):
    ApiKey.objects.filter(pk=key.pk).update(usage=5, window_usage=4)
    issuing.update(key, name="Desk")
    key.refresh_from_db()
    assert (key.usage, key.window_usage) == (5, 4)


def test_changing_the_interval_restarts_the_spend_count(key):
    issuing.update(key, limit=100, limit_reset="monthly")
    ApiKey.objects.filter(pk=key.pk).update(window_usage=60)
    issuing.update(key, limit=200, limit_reset="monthly")
    assert ApiKey.objects.get(pk=key.pk).window_usage == 60
    issuing.update(key, limit_reset="daily")
    assert ApiKey.objects.get(pk=key.pk).window_usage == 0


def test_counters_cannot_be_set(key, organisation, alice):
    with pytest.raises(ValueError, match="usage"):
        issuing.update(key, usage=0)
    with pytest.raises(ValueError, match="usage"):
        issuing.create(organisation, alice, "Laptop", usage=5)


def test_invalid_input_is_reported_in_the_dialog(alice_client, url):
    response = alice_client.post(url + "/change", {"name": ""}, headers={"HX-Request": "true"})
    assert response.status_code == 422
    assert "<html" not in response.content.decode()


def test_saving_in_the_dialog_reloads_the_page(alice_client, url):
    response = alice_client.post(url + "/change", {"name": "Desk", "from": "list"}, headers={"HX-Request": "true"})
    assert response["HX-Redirect"] == "/settings/keys"


def test_a_disabled_key_is_refused_and_can_be_enabled_again(alice_client, issued, url):
    key, secret = issued
    alice_client.post(url + "/switch", {"disabled": "on"})
    key.refresh_from_db()
    assert key.disabled
    with pytest.raises(NotAuthenticated, match="disabled"):
        authenticate_sync(f"Bearer {secret}")
    assert alice_client.post(url + "/switch", {"disabled": "off", "from": "key"}).url == url
    assert authenticate_sync(f"Bearer {secret}").key_id == key.pk


def test_enabling_and_disabling_require_post(alice_client, url):
    assert alice_client.get(url + "/switch").status_code == 405


def test_deleting_asks_for_confirmation_and_explains_the_consequences(alice_client, key, url):
    html = alice_client.get(url + "/delete").content.decode()
    assert "will fail with 401" in html
    assert "stays in your activity" in html
    key.refresh_from_db()
    assert key.deleted_at is None


def test_a_deleted_key_is_refused_and_not_listed(alice_client, issued, url):
    key, secret = issued
    response = alice_client.post(url + "/delete", follow=True)
    assert response.redirect_chain[0][0] == "/settings/keys"
    assert f"/settings/keys/{key.hash}" not in response.content.decode()
    with pytest.raises(NotAuthenticated):
        authenticate_sync(f"Bearer {secret}")
    assert ApiKey.objects.filter(pk=key.pk).exists()


def test_a_former_admin_cannot_edit_management_keys(bob_client, bob, organisation):
    key, _ = issuing.create(organisation, bob, "Deploy script", is_management=True)
    assert bob_client.get(f"/settings/keys/{key.hash}").status_code == 404
