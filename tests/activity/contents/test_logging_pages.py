"""The pages of logging: turning it on and off, reading, exporting and deleting what is stored."""

import json

import pytest
from asgiref.sync import async_to_sync
from cryptography.fernet import Fernet

from accounts import access
from accounts.models import LoggingConsent, Membership, PrivacySettings
from gateway.content import stored
from gateway.models import StoredContent
from keys import issuing
from tests.activity.factory import make_request

PAGE = "/settings/privacy/logging"
PROMPT, COMPLETION = "What is <b>quartz</b>?", "A mineral & more"


@pytest.fixture
def kept(account) -> StoredContent:
    """A logged request of Alice's account."""
    request = make_request(account, discount_basis_points=100)
    content = stored.Content(
        id=request.pk,
        messages=[{"role": "user", "content": [{"type": "text", "text": PROMPT}]}],
        responses=[{"role": "assistant", "content": COMPLETION, "reasoning": "Let me see"}],
    )
    return StoredContent.objects.create(
        generation=request, account=account, created_at=request.created_at, sealed=stored.sealed(content)
    )


def lose_the_key(row: StoredContent) -> None:
    """Encrypt the row with a key that the site does not have, as if it had been rotated away."""
    row.sealed = Fernet(Fernet.generate_key()).encrypt(b"anything")
    row.save()


def turn_on(client, **values):
    return client.post(PAGE, {"percent": "100", "agree": "on", **values})


def test_an_admin_turns_it_on_and_off_and_each_decision_is_recorded(alice_client, organisation, alice, account):
    assert "Logging is off" in alice_client.get(PAGE).content.decode()
    key, _ = issuing.create(organisation, alice, "App")
    assert turn_on(alice_client, percent="12.5", api_keys=[key.hash]).status_code == 302
    privacy = access.privacy_of(organisation)
    assert (privacy.log_for_discount, privacy.log_share, privacy.log_keys) == (True, 1250, [key.hash])
    page = alice_client.get(PAGE).content.decode()
    assert "Turned on by alice@example.com" in page and "1 API key, 12.5% of them" in page
    assert alice_client.post(PAGE, {"percent": "50"}).status_code == 302
    privacy.refresh_from_db()
    assert (privacy.log_share, privacy.log_keys) == (5000, [])
    alice_client.post(f"{PAGE}/off")
    alice_client.post(f"{PAGE}/off")
    privacy.refresh_from_db()
    assert not privacy.log_for_discount
    decisions = LoggingConsent.objects.order_by("pk").values_list("user", "is_given", "version")
    assert [*decisions] == [(alice.pk, True, "2026-11-30"), (alice.pk, False, "2026-11-30")]


@pytest.mark.parametrize(
    "values", [{"agree": ""}, {"percent": "0"}, {"percent": "100.01"}, {"percent": "0.001"}, {"percent": "NaN"},
               {"percent": "\x00"}, {"api_keys": ["0" * 64]}],
)  # fmt: skip
def test_nothing_is_turned_on_without_consent_or_with_nonsense(alice_client, organisation, account, alice, values):
    issuing.create(organisation, alice, "App")
    assert turn_on(alice_client, **values).status_code == 422
    assert not access.privacy_of(organisation).log_for_discount and not LoggingConsent.objects.exists()


def test_other_privacy_settings_leave_logging_alone(alice_client, organisation, account):
    turn_on(alice_client)
    alice_client.post("/settings/privacy", {"zero_data_retention": "on"})
    assert access.privacy_of(organisation).log_for_discount
    assert "Nothing is logged while you do" in alice_client.get(PAGE).content.decode()


def test_the_chat_says_that_it_is_logged(alice_client, account):
    words = "messages and answers are stored on our servers too"
    assert words not in alice_client.get("/chat").content.decode()
    turn_on(alice_client)
    assert words in alice_client.get("/chat").content.decode()


def test_a_request_shows_its_content_to_its_owner_only(alice_client, bob_client, charlie_client, bob, kept):
    url = f"/activity/{kept.pk}"
    page = alice_client.get(url).content.decode()
    assert "What is &lt;b&gt;quartz&lt;/b&gt;?" in page and "A mineral &amp; more" in page and "Let me see" in page
    page = bob_client.get(url).content.decode()
    assert "quartz" not in page and "mineral" not in page and "Only admins of" in page
    assert charlie_client.get(url).status_code == 404
    Membership.objects.filter(user=bob).update(role=Membership.Role.ADMIN)
    assert "quartz" in bob_client.get(url).content.decode()


def test_members_and_strangers_neither_change_nor_export_nor_delete(bob_client, charlie_client, kept):
    assert "Turn on logging" not in bob_client.get(PAGE).content.decode()
    for url in (f"{PAGE}/contents.jsonl", f"{PAGE}/delete", f"/activity/{kept.pk}/content/delete"):
        assert bob_client.get(url).status_code == 403
    for url in (PAGE, f"{PAGE}/off", f"{PAGE}/delete", f"/activity/{kept.pk}/content/delete"):
        assert bob_client.post(url, {"percent": "100", "agree": "on"}).status_code == 403
    assert charlie_client.post(f"/activity/{kept.pk}/content/delete").status_code == 404
    assert charlie_client.post(f"{PAGE}/delete").status_code == 302  # everything of Charlie's
    assert StoredContent.objects.exists() and not PrivacySettings.objects.filter(log_for_discount=True).exists()


def test_one_content_is_deleted_after_a_confirmation(alice_client, kept, account):
    url, other = f"/activity/{kept.pk}/content/delete", make_request(account)
    assert "can't be undone" in alice_client.get(url).content.decode().replace("&#x27;", "'")
    assert alice_client.post(url).status_code == 302
    assert not StoredContent.objects.exists()
    for pk in (kept.pk, other.pk, "gen-0-none"):
        assert alice_client.post(f"/activity/{pk}/content/delete").status_code == 404
    assert "aren't stored" in alice_client.get(f"/activity/{kept.pk}").content.decode()


def test_everything_is_deleted_after_a_confirmation(alice_client, kept, charlie):
    assert "of 1 request" in alice_client.get(f"{PAGE}/delete").content.decode()
    alice_client.post(f"{PAGE}/delete")
    assert not StoredContent.objects.exists()
    assert "Nothing is stored." in alice_client.get(PAGE).content.decode()


def lines_of(client) -> list[dict]:
    response = client.get(f"{PAGE}/contents.jsonl")
    assert response.headers["Content-Disposition"].endswith('.jsonl"')

    async def read() -> str:
        return "".join([piece.decode() async for piece in response.streaming_content])

    return [json.loads(line) for line in async_to_sync(read)().splitlines()]


@pytest.mark.django_db(transaction=True)
def test_the_export_has_a_line_for_each_request_oldest_first(alice_client, kept, account, monkeypatch):
    monkeypatch.setattr("activity.contents.export.BATCH", 2)
    more = []
    for _ in range(4):
        request = make_request(account, kept.created_at)  # in the same moment
        content = stored.sealed(stored.Content(id=request.pk, prompt="Again\n{}"))
        more.append(request.pk)
        StoredContent.objects.create(generation=request, account=account, created_at=request.created_at, sealed=content)
    lines = lines_of(alice_client)
    assert {line["id"] for line in lines} == {kept.pk, *more} and len(lines) == 5
    [line] = [line for line in lines if line["id"] == kept.pk]
    assert line["model"] == "openai/gpt-4o-mini" and line["error"] is None
    assert line["output"] == {"completion": COMPLETION, "reasoning": "Let me see"}
    assert [line["input"] for line in lines if line["id"] in more] == [{"prompt": "Again\n{}"}] * 4
    lose_the_key(kept)
    StoredContent.objects.exclude(pk=kept.pk).delete()
    [line] = lines_of(alice_client)
    assert "no longer has the key" in line["unreadable"]


def test_a_key_that_is_gone_is_said_and_the_content_can_still_be_deleted(alice_client, kept):
    lose_the_key(kept)
    assert "no longer has the key" in alice_client.get(f"/activity/{kept.pk}").content.decode()
    assert alice_client.post(f"/activity/{kept.pk}/content/delete").status_code == 302
    assert not StoredContent.objects.exists()
