"""Creating a key: the form, and the secret that is shown once."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from common.money import pico_from_cents
from keys.authentication import authenticate_sync, hash_of
from keys.models import ApiKey

URL = "/settings/keys/create"
SECRET = re.compile(r"sk-or-v1-[0-9a-f]{64}")


def secret_in(response) -> str:
    return SECRET.search(response.content.decode()).group()


def test_signed_out_visitors_are_sent_to_sign_in(db):
    assert Client().get(URL).status_code == 302
    assert Client().post(URL, {"name": "x"}).status_code == 302
    assert not ApiKey.objects.exists()


def test_the_form_works_as_a_page_and_in_a_dialog(alice_client):
    page = alice_client.get(URL).content.decode()
    assert page.count("<h1") == 1
    dialog = alice_client.get(URL, headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in dialog
    assert "<h2" in dialog
    assert 'name="name"' in dialog


def test_the_secret_is_shown_once_and_works(alice_client, alice, organisation):
    response = alice_client.post(URL, {"name": "Laptop"})
    assert response.status_code == 201
    assert "no-store" in response["Cache-Control"]
    secret = secret_in(response)
    key = ApiKey.objects.get()
    assert (key.name, key.organisation, key.created_by) == ("Laptop", organisation, alice)
    assert (key.limit, key.limit_reset, key.expires_at, key.is_management) == (None, "", None, False)
    assert key.hash == hash_of(secret)
    assert authenticate_sync(f"Bearer {secret}").key_id == key.pk
    assert secret not in alice_client.get("/settings/keys").content.decode()
    assert secret not in alice_client.get(f"/settings/keys/{key.hash}").content.decode()


def test_the_secret_comes_with_ready_to_run_code(alice_client, settings):
    settings.SITE_URL = "https://gateway.example"
    response = alice_client.post(URL, {"name": "Laptop"}, headers={"HX-Request": "true"})
    html = response.content.decode()
    assert "<html" not in html
    assert "base_url=&quot;https://gateway.example/api/v1&quot;" in html
    assert f"api_key=&quot;{secret_in(response)}&quot;" in html
    assert "</svg>Done</a>" in html


def test_limit_reset_and_expiration_are_saved(alice_client):
    alice_client.post(URL, {"name": "CI", "limit": "$1,250.50", "limit_reset": "weekly", "expiry": "30"})
    key = ApiKey.objects.get()
    assert key.limit == pico_from_cents(125050)
    assert key.limit_reset == "weekly"
    assert abs(key.expires_at - timezone.now() - timedelta(days=30)) < timedelta(minutes=1)


def test_an_expiration_date_includes_that_day_in_utc(alice_client):
    day = timezone.now().date() + timedelta(days=10)
    alice_client.post(URL, {"name": "CI", "expiry": "date", "expiry_date": day.isoformat()})
    assert ApiKey.objects.get().expires_at == datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"name": ""}, "This field is required"),
        ({"name": "   "}, "This field is required"),
        ({"name": "x" * 101}, "at most 100 characters"),
        ({"name": "x\x00y"}, "Null characters are not allowed"),
        ({"limit": "ten"}, "Enter an amount in dollars"),
        ({"limit": "-1"}, "Enter an amount from"),
        ({"limit": "NaN"}, "Enter an amount from"),
        ({"limit": "Infinity"}, "Enter an amount from"),
        ({"limit": "1e400"}, "Enter an amount from"),
        ({"limit": "1000001"}, "Enter an amount from"),
        ({"limit": "0.0000000000001"}, "at most 12 decimals"),
        ({"limit_reset": "yearly"}, "not one of the available choices"),
        ({"expiry": "2"}, "not one of the available choices"),
        ({"expiry": "date"}, "Choose an expiration date"),
        ({"expiry": "date", "expiry_date": "2020-01-01"}, "Choose a date from today"),
        ({"expiry": "date", "expiry_date": "9999-12-31"}, "Choose a date from today"),
        ({"expiry": "date", "expiry_date": "soon"}, "Enter a valid date"),
    ],
)
def test_invalid_input_is_reported_at_its_field(alice_client, fields, message):
    response = alice_client.post(URL, {"name": "Laptop", **fields})
    assert response.status_code == 422
    assert message in response.content.decode()
    assert not ApiKey.objects.exists()


def test_posting_the_form_twice_creates_one_key(alice_client):
    once = re.search(r'name="once" value="([^"]+)"', alice_client.get(URL).content.decode()).group(1)
    assert alice_client.post(URL, {"name": "Laptop", "once": once}).status_code == 201
    again = alice_client.post(URL, {"name": "Laptop", "once": once}, follow=True)
    assert "already created" in again.content.decode()
    assert ApiKey.objects.count() == 1


def test_a_member_creates_keys_of_the_organization(bob_client, bob, organisation):
    bob_client.post(URL, {"name": "Bob's"})
    key = ApiKey.objects.get()
    assert (key.organisation, key.created_by) == (organisation, bob)


def test_an_outsider_creates_keys_only_in_their_own_organization(charlie_client, charlie, organisation):
    charlie_client.post(URL, {"name": "Charlie's"})
    assert ApiKey.objects.get().organisation == charlie.personal_organisation != organisation


def test_markup_in_a_name_is_escaped(alice_client):
    response = alice_client.post(URL, {"name": "<script>alert(1)</script>"})
    assert "<script>alert" not in response.content.decode()
    assert "<script>alert" not in alice_client.get("/settings/keys").content.decode()


def test_only_an_admin_creates_management_keys(alice_client, bob_client):
    assert bob_client.post("/settings/management-keys/create", {"name": "x"}).status_code == 403
    response = alice_client.post("/settings/management-keys/create", {"name": "Deploy script"})
    assert response.status_code == 201
    key = ApiKey.objects.get()
    assert key.is_management
    assert authenticate_sync(f"Bearer {secret_in(response)}").is_management
