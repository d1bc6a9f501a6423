"""Restrictions of a key: what may be entered, and the addresses that may use it."""

import pytest

from common.errors import PermissionDenied
from keys import authentication, issuing
from keys.authentication import authenticate_sync
from keys.models import ApiKey
from keys.rules import restrictions


@pytest.fixture
def issued(organisation, alice):
    return issuing.create(organisation, alice, "Laptop")


@pytest.fixture
def change_url(issued):
    return f"/settings/keys/{issued[0].hash}/change"


@pytest.mark.parametrize(
    ("entered", "stored"),
    [
        (["203.0.113.7"], ["203.0.113.7/32"]),
        ([" 203.0.113.0/24 ", "", "203.0.113.0/24"], ["203.0.113.0/24"]),
        (["2001:DB8::/32", "::1"], ["2001:db8::/32", "::1/128"]),
        (["::ffff:203.0.113.7", "0.0.0.0/0"], ["203.0.113.7/32", "0.0.0.0/0"]),
    ],
)
def test_addresses_are_stored_in_one_form(entered, stored):
    assert restrictions.networks(entered) == stored


@pytest.mark.parametrize(
    ("entered", "problem"),
    [
        ("example.com", "isn't an IP address"),
        ("203.0.113.7/33", "isn't an IP address"),
        ("203.0.113.7-9", "isn't an IP address"),
        ("203.0.113.7/24", "Did you mean 203.0.113.0/24"),
    ],
)
def test_what_is_no_address_is_refused_with_the_remedy(entered, problem):
    with pytest.raises(ValueError, match=problem):
        restrictions.networks([entered])


def test_models_are_named_by_id_or_author():
    assert restrictions.model_names(["OpenAI/gpt-5", "acme/one:free", "acme/*"]) == [
        "openai/gpt-5", "acme/one:free", "acme/*",
    ]  # fmt: skip
    for wrong in ("gpt-5", "*/gpt", "acme/one*", "acme/"):
        with pytest.raises(ValueError, match="isn't a model ID"):
            restrictions.model_names([wrong])


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("203.0.113.9", True), ("::ffff:203.0.113.9", True), ("2001:db8::5", True),
        ("203.0.114.9", False), ("2001:db9::5", False), ("nonsense", False), (None, False),
    ],
)  # fmt: skip
def test_a_key_works_from_its_addresses_only(issued, address, allowed):
    key, secret = issued
    issuing.update(key, allowed_ips=["203.0.113.0/24", "2001:db8::/32"])
    authentication.clear(key.hash)
    if allowed:
        assert authenticate_sync(f"Bearer {secret}", address=address).key_id == key.pk
        return
    with pytest.raises(PermissionDenied, match="may not be used from") as refusal:
        authenticate_sync(f"Bearer {secret}", address=address)
    assert "/settings/keys" in refusal.value.message


def test_the_api_sees_the_address_that_the_proxies_vouch_for(client, issued):
    key, secret = issued
    issuing.update(key, allowed_ips=["203.0.113.7/32"])
    authentication.clear(key.hash)
    headers = {"Authorization": f"Bearer {secret}", "X-Forwarded-For": "203.0.113.7"}
    refused = client.get("/api/v1/key", headers=headers)  # forged: no proxy is trusted
    assert (refused.status_code, "127.0.0.1" in refused.json()["error"]["message"]) == (403, True)
    assert client.get("/api/v1/key", headers=headers, REMOTE_ADDR="203.0.113.7").status_code == 200


def test_a_list_without_the_own_address_is_asked_about_before_it_is_saved(alice_client, issued, change_url):
    posted = {"name": "Laptop", "allowed_ips": "203.0.113.0/24\n2001:db8::/32"}
    asked = alice_client.post(change_url, posted, REMOTE_ADDR="198.51.100.4")
    assert asked.status_code == 422
    html = asked.content.decode()
    assert "Your current address, 198.51.100.4, isn&#x27;t in the list" in html
    assert "Save without 198.51.100.4" in html
    assert ApiKey.objects.get().allowed_ips == []
    alice_client.post(change_url, posted | {"without_own_address": "on"}, REMOTE_ADDR="198.51.100.4")
    assert ApiKey.objects.get().allowed_ips == ["203.0.113.0/24", "2001:db8::/32"]
    # It is not asked about again while it stays as it is.
    assert alice_client.post(change_url, posted | {"name": "Desk"}, REMOTE_ADDR="198.51.100.4").status_code == 302


def test_a_list_with_the_own_address_is_saved_at_once(alice_client, alice, issued, change_url):
    posted = {
        "name": "Laptop", "allowed_ips": "198.51.100.4", "allowed_models": "acme/one, acme/two",
        "requests_per_minute": "60", "tokens_per_minute": "", "max_concurrent_requests": "2", "external_user": "c-42",
    }  # fmt: skip
    assert alice_client.post(change_url, posted, REMOTE_ADDR="198.51.100.4").status_code == 302
    key = ApiKey.objects.get()
    assert (key.allowed_ips, key.allowed_models) == (["198.51.100.4/32"], ["acme/one", "acme/two"])
    assert (key.requests_per_minute, key.tokens_per_minute, key.max_concurrent_requests) == (60, None, 2)
    assert (key.external_user, key.updated_by) == ("c-42", alice)
    html = alice_client.get(f"/settings/keys/{key.hash}").content.decode()
    assert "60 requests per minute" in html
    assert "2 concurrent requests" in html
    assert f"by {alice.email}" in html.partition("Last edited")[2]


def test_wrong_entries_are_reported_beside_their_fields(alice_client, change_url):
    posted = {"name": "Laptop", "allowed_ips": "home", "allowed_models": "gpt", "requests_per_minute": "0"}
    html = alice_client.post(change_url, posted).content.decode()
    assert "“home” isn&#x27;t an IP address" in html
    assert "“gpt” isn&#x27;t a model ID" in html
    assert '<details class="restrictions" open>' in html


def test_a_key_without_restrictions_has_none_in_memory(issued):
    assert authenticate_sync(f"Bearer {issued[1]}").restrictions is None
