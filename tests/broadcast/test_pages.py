"""The pages of destinations, and what is stored of their secrets."""

from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from cryptography.fernet import Fernet
from django.core.management import call_command
from django.urls import reverse

from accounts.organisations.signals import organisation_deleted
from broadcast.delivery import feed
from broadcast.destinations import saving
from broadcast.kinds import webhook
from broadcast.models import Delivery, Destination
from common import encryption
from common.clock import utc_now
from keys import issuing

LIST = "/settings/observability"
HOOK = {"url": "https://hooks.example.com/in", "headers": {"Authorization": "Bearer quartz"}}


@pytest.fixture
def hook(organisation) -> Destination:
    return saving.create(organisation, None, "webhook", HOOK, name="Hook <b>")[0]


def page(destination: Destination, name: str = "destination") -> str:
    return reverse(f"broadcast:{name}", args=[destination.public_id])


def test_a_webhook_is_added_and_its_secret_shown_once(alice_client, organisation, alice):
    key, _ = issuing.create(organisation, alice, "App")
    posted = {
        "name": "Mine", "url": "https://hooks.example.com", "method": "PUT",
        "headers": "Authorization: Bearer a: b\n\n", "percent": "12.5", "api_keys": [key.pk],
        "privacy_mode": "on", "with_cost": "on",
    }  # fmt: skip
    sent = alice_client.post(f"{LIST}/add/webhook", posted)
    made = Destination.objects.get()
    secret = saving.config_of(made)["signing_secret"]
    assert sent.status_code == 200 and secret in sent.content.decode()
    assert (made.sample, made.key_ids, made.privacy_mode, made.with_cost, made.with_context) == (
        1250, [key.pk], True, True, False,
    )  # fmt: skip
    assert saving.config_of(made)["headers"] == {"Authorization": "Bearer a: b"}
    for each in (LIST, page(made), page(made, "edit-destination")):
        html = alice_client.get(each).content.decode()
        assert "Mine" in html and secret not in html and "Bearer a" not in html


def test_a_page_says_until_when_an_old_secret_is_used(alice_client, hook, clock):
    clock.set(datetime(2026, 11, 29, 10, 15, tzinfo=UTC))
    stop = page(hook, "stop-old-secret")
    assert stop not in alice_client.get(page(hook)).content.decode()
    renewed = alice_client.post(page(hook, "renew-secret")).content.decode()
    hook.refresh_from_db()
    assert saving.config_of(hook)["signing_secret"] in renewed and "30 Nov 2026, 10:15" in renewed
    html = alice_client.get(page(hook)).content.decode()
    assert "used until" in html and "30 Nov 2026, 10:15" in html and stop in html
    assert alice_client.post(stop).url == page(hook)
    assert "used until" not in alice_client.get(page(hook)).content.decode()
    hook.refresh_from_db()
    assert saving.old_secrets_end_at(hook) is None


@pytest.mark.parametrize(
    ("kind", "posted", "field"),
    [
        ("webhook", {"url": "nowhere", "method": "POST"}, "url"),
        ("webhook", {"url": "https://example.com", "method": "POST", "headers": "no colon"}, "headers"),
        ("webhook", {"url": "https://example.com", "method": "POST", "headers": "Host: x"}, "headers"),
        ("otel-collector", {"endpoint": "https://example.com", "percent": "0"}, "percent"),
        ("s3", {"bucketName": "x", "accessKeyId": "a", "secretAccessKey": "quartz"}, "bucketName"),
    ],
)
def test_an_error_stands_at_its_field(alice_client, kind, posted, field):
    sent = alice_client.post(f"{LIST}/add/{kind}", {"name": "Mine", "percent": "100"} | posted)
    assert sent.status_code == 422 and list(sent.context["form"].errors) == [field]
    assert "quartz" not in sent.content.decode() and not Destination.objects.exists()


def test_secrets_stay_when_a_form_is_saved_without_them(alice_client, organisation):
    config = {"bucketName": "logs", "accessKeyId": "AKID", "secretAccessKey": "quartz"}
    saved, _ = saving.create(organisation, None, "s3", config, name="Files")
    form = alice_client.get(page(saved, "edit-destination")).context["form"]
    posted = {field.name: field.value() for field in form if field.value() not in (None, False, "")}
    assert "secretAccessKey" not in posted
    assert alice_client.post(page(saved, "edit-destination"), posted | {"name": "Renamed"}).status_code == 302
    saved.refresh_from_db()
    assert saved.name == "Renamed" and saving.config_of(saved)["secretAccessKey"] == "quartz"


def test_the_headers_of_a_webhook_stay_as_masked_lines(alice_client, hook):
    posted = {
        "name": "Hook", "url": HOOK["url"], "method": "POST", "headers": "Authorization: ********", "percent": "100",
    }  # fmt: skip
    alice_client.post(page(hook, "edit-destination"), posted)
    hook.refresh_from_db()
    assert saving.config_of(hook)["headers"] == HOOK["headers"] and not hook.enabled


def test_a_page_shows_the_state_and_deliveries(alice_client, hook):
    Delivery.objects.create(
        destination=hook, at=utc_now(), events=3, error="The server returned status 500.", duration_ms=9
    )
    Destination.objects.update(paused_at=utc_now(), failures=11, dropped=7)
    html = alice_client.get(page(hook)).content.decode()
    assert "Hook &lt;b&gt;" in html and "status 500" in html and "7 dropped" in html and "Resume" in html
    assert alice_client.post(page(hook, "resume-destination")).status_code == 302
    hook.refresh_from_db()
    assert hook.paused_at is None and hook.failures == 0


def test_a_page_says_how_long_events_and_old_secrets_are_kept(alice_client, hook, monkeypatch):
    monkeypatch.setattr(feed, "KEPT_HOURS", 36)
    monkeypatch.setattr(webhook, "OVERLAP_HOURS", 12)
    Destination.objects.update(paused_at=utc_now())
    html = alice_client.get(page(hook)).content.decode()
    assert "Events older than 36 hours are dropped." in html and "For 12 hours, deliveries" in html
    resumed = alice_client.post(page(hook, "resume-destination"), follow=True)
    assert "Events of the last 36 hours are sent now." in resumed.content.decode()
    renewed, _ = saving.renew_secret(hook)
    kept = saving.old_secrets_end_at(renewed) - utc_now()
    assert timedelta(hours=11.9) < kept <= timedelta(hours=12)


def test_a_test_says_how_it_went(alice_client, hook, receiver):
    saving.change(hook, {"url": receiver.url})
    sent = alice_client.post(page(hook, "test-destination"), follow=True)
    assert "The test event was accepted." in sent.content.decode() and len(receiver.requests) == 1
    receiver.status = 500
    sent = alice_client.post(page(hook, "test-destination"), follow=True)
    assert "not accepted. The server returned status 500 Internal Server Error." in sent.content.decode()


def test_deleting_asks_first(alice_client, hook):
    assert b"Delete destination" in alice_client.get(page(hook, "delete-destination")).content
    assert alice_client.post(page(hook, "delete-destination")).url == LIST
    assert not Destination.objects.exists()


def test_members_see_that_admins_manage_them(bob_client, hook):
    html = bob_client.get(LIST).content.decode()
    assert "Only admins of" in html and "Hook" not in html and "/add/" not in html


def test_an_organization_that_is_deleted_takes_its_destinations_along(organisation, hook):
    organisation_deleted.send(sender=None, organisation=organisation)
    assert not Destination.objects.exists()


def test_configurations_are_encrypted_again_and_unreadable_ones_named(alice_client, hook, settings):
    settings.ENCRYPTION_KEYS = ("new", *settings.ENCRYPTION_KEYS)
    before, printed = hook.config, StringIO()
    call_command("rotate_encryption", stdout=printed)
    hook.refresh_from_db()
    assert "Encrypted 1 broadcast destinations" in printed.getvalue()
    assert hook.config != before and saving.config_of(hook)["headers"] == HOOK["headers"]
    Destination.objects.update(config=Fernet(Fernet.generate_key()).encrypt(b"{}").decode())
    with pytest.raises(encryption.Undecryptable):
        encryption.decrypt(Destination.objects.get().config)
    assert "can no longer decrypt" in alice_client.get(page(hook)).content.decode()
    assert alice_client.get(page(hook, "edit-destination")).status_code == 200
    assert "can no longer decrypt" in alice_client.post(page(hook, "test-destination"), follow=True).content.decode()
