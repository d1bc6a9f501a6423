"""Apps that people connect: consent, codes, verifiers, and what becomes of them."""

import base64
import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from django.test import Client

from accounts.models import Membership
from common.errors import InvalidRequest, PermissionDenied
from common.money import pico_from_cents
from keys import issuing
from keys.models import ApiKey, AuthorizationCode
from keys.oauth import callbacks, codes
from tests.wire import check

VERIFIER = "a-verifier-that-only-the-app-knows.0123456789"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
CALLBACK = "https://app.example/done?tab=2"
AGREE = {"answer": "connect", "name": "Haiku", "limit": "5", "limit_reset": "monthly"}


def link(**parameters: str) -> str:
    return f"/auth?{urlencode({'callback_url': CALLBACK} | parameters)}"


def code_in(response: Any) -> str:
    assert response.status_code == 302, response.content
    return parse_qs(urlsplit(response["Location"]).query)["code"][0]


def exchange(**body: Any) -> Any:
    return Client().post("/api/v1/auth/keys", json.dumps(body), content_type="application/json")


def test_an_app_gets_a_key_of_the_person_once(alice_client, alice, organisation):
    page = alice_client.get(link(code_challenge=CHALLENGE, key_label="Haiku", limit="5", usage_limit_type="monthly"))
    assert page.status_code == 200
    html = page.content.decode()
    assert "Connect <bdi>app.example</bdi>?" in html
    assert 'value="Haiku"' in html and 'value="5"' in html
    assert (
        "form-action 'self' http" in page["Content-Security-Policy"]
        and "app.example" in page["Content-Security-Policy"]
    )
    sent = alice_client.post(link(code_challenge=CHALLENGE), AGREE)
    assert sent["Location"].startswith("https://app.example/done?tab=2&code=")
    code = code_in(sent)
    assert not ApiKey.objects.exists()
    assert code not in str(list(AuthorizationCode.objects.values()))

    answer = exchange(code=code, code_verifier=VERIFIER, code_challenge_method="S256")
    check("POST /auth/keys", 200, answer.json())
    assert answer.json()["user_id"] == alice.public_id
    assert answer["Access-Control-Allow-Origin"] == "*"
    key = ApiKey.objects.get()
    assert (key.name, key.app) == ("Haiku", "https://app.example")
    assert (key.created_by, key.organisation) == (alice, organisation)
    assert (key.limit, key.limit_reset, key.is_management) == (pico_from_cents(500), "monthly", False)
    own = Client().get("/api/v1/key", headers={"Authorization": f"Bearer {answer.json()['key']}"})
    assert own.json()["data"]["limit"] == 5
    again = exchange(code=code, code_verifier=VERIFIER)
    assert (again.status_code, again.json()["error"]["message"]) == (403, "Invalid code or code_verifier")
    assert ApiKey.objects.count() == 1


@pytest.mark.parametrize(
    ("challenge", "method", "body", "status"),
    [
        (CHALLENGE, "S256", {}, 403),
        (CHALLENGE, "S256", {"code_verifier": CHALLENGE}, 403),
        (CHALLENGE, "S256", {"code_verifier": VERIFIER[:-1]}, 403),
        (CHALLENGE, "S256", {"code_verifier": CHALLENGE, "code_challenge_method": "plain"}, 403),
        (CHALLENGE, "S256", {"code_verifier": VERIFIER, "code_challenge_method": "sha1"}, 400),
        (CHALLENGE, "S256", {"code_verifier": VERIFIER}, 200),
        (VERIFIER, "plain", {"code_verifier": VERIFIER, "code_challenge_method": "plain"}, 200),
        (VERIFIER, "plain", {"code_verifier": CHALLENGE}, 403),
        ("", "S256", {"code_verifier": "anything"}, 200),
        ("", "S256", {}, 200),
    ],
)
def test_only_the_verifier_of_the_challenge_gets_the_key(alice, organisation, challenge, method, body, status):
    consent = codes.Consent("https://app.example", "App", challenge=challenge, challenge_method=method)
    _, code = codes.issue(organisation, alice, consent)
    answer = exchange(code=code, **body)
    assert answer.status_code == status
    check("POST /auth/keys", status, answer.json())
    assert ApiKey.objects.count() == (status == 200)
    if status != 200:  # the app with the verifier still gets it
        assert exchange(code=code, code_verifier=VERIFIER).status_code == 200


def test_a_code_is_good_for_ten_minutes(alice, organisation, clock):
    _, code = codes.issue(organisation, alice, codes.Consent("https://app.example", "App"))
    clock.advance(minutes=10)
    answer = exchange(code=code)
    assert (answer.status_code, "Authorization code expired" in answer.json()["error"]["message"]) == (403, True)
    _, code = codes.issue(organisation, alice, codes.Consent("https://app.example", "App"))
    clock.advance(minutes=9, seconds=59)
    assert exchange(code=code).status_code == 200
    clock.advance(days=2)
    codes.issue(organisation, alice, codes.Consent("https://app.example", "App"))
    assert AuthorizationCode.objects.count() == 1


def test_a_person_who_has_left_gives_no_key(bob, organisation):
    _, code = codes.issue(organisation, bob, codes.Consent("https://app.example", "App"))
    Membership.objects.filter(user=bob, organisation=organisation).delete()
    with pytest.raises(PermissionDenied, match="no longer a member"):
        codes.exchange(code)


def test_cancel_says_so_to_the_app_and_gives_nothing(alice_client):
    sent = alice_client.post(link(), {"answer": "cancel"})
    assert sent["Location"] == "https://app.example/done?tab=2&error=access_denied"
    assert not AuthorizationCode.objects.exists()


def test_without_a_callback_the_code_is_shown(alice_client):
    page = alice_client.post(f"/auth?code_challenge={CHALLENGE}", AGREE)
    code = page.content.decode().partition('<code id="code">')[2].partition("<")[0]
    assert exchange(code=code, code_verifier=VERIFIER).status_code == 200
    assert ApiKey.objects.get().app == ""
    refused = alice_client.get("/auth")
    assert (refused.status_code, "needs a code_challenge" in refused.content.decode()) == (400, True)


def test_a_visitor_signs_in_first_and_comes_back_to_the_same_link(client, db):
    sent = client.get(link(code_challenge=CHALLENGE))
    assert parse_qs(urlsplit(sent["Location"]).query)["next"] == [link(code_challenge=CHALLENGE)]


@pytest.mark.parametrize(
    "url",
    [
        "http://app.example/done", "http://localhost.evil.example/", "https://app.example/#done", "https://app.example/#",
        "javascript:alert(1)", "https:///done", "app.example", "https://user:word@app.example/", "https://app.example\\@evil/",
        "https://app.example/a b", "https://app.example:port/", "https://[::1/", "https://app.example/\nx", "ftp://app.example",
        "https://app.example/" + "x" * 2000,
    ],
)  # fmt: skip
def test_a_code_goes_to_no_unsafe_address(alice_client, url):
    with pytest.raises(InvalidRequest, match="callback_url"):
        callbacks.checked(url)
    for answer in (alice_client.get(link(callback_url=url)), alice_client.post(link(callback_url=url), AGREE)):
        assert answer.status_code == 400
        assert "Location" not in answer
    assert not AuthorizationCode.objects.exists()


@pytest.mark.parametrize(
    ("url", "app"),
    [
        ("http://localhost:3000/callback", "http://localhost:3000"),
        ("http://127.0.0.1:49152/", "http://127.0.0.1:49152"),
        ("https://App.Example/x?code=1", "https://app.example"),
        ("https://app.example:8443/x", "https://app.example:8443"),
    ],
)
def test_the_app_is_the_origin_of_its_callback(url, app):
    assert callbacks.app_of(callbacks.checked(url)) == app


def test_the_callback_keeps_its_own_parameters_and_gets_one_code():
    url = callbacks.answered("https://app.example/x?a=1&a=2&code=old&empty=", code="new&er")
    assert url == "https://app.example/x?a=1&a=2&empty=&code=new%26er"


@pytest.mark.parametrize(
    "wrong",
    [
        {"code_challenge_method": "sha1"}, {"code_challenge": "too-short"}, {"limit": "-1"}, {"limit": "nan"},
        {"limit": "1e999"}, {"usage_limit_type": "yearly"}, {"expires_at": "soon"},
        {"expires_at": "2001-01-01T00:00:00Z"},
        {"expires_at": "2099-13-01T00:00:00Z"}, {"key_label": "x" * 101}, {"key_label": "a\u202eb"},
        {"workspace_id": "another"},
    ],
)  # fmt: skip
def test_a_faulty_link_is_refused_with_the_parameter_that_is_wrong(alice_client, wrong):
    answer = alice_client.get(link(**wrong))
    assert answer.status_code == 400
    assert next(iter(wrong)).partition("_method")[0] in answer.content.decode()


def test_the_expiration_that_the_app_asks_for_may_be_kept_or_shortened(alice_client):
    wanted = link(expires_at="2099-01-01T12:30:00+02:00")
    alice_client.post(wanted, AGREE | {"expiry": "wish"})
    alice_client.post(wanted, AGREE | {"expiry": "7"})
    kept, shortened = AuthorizationCode.objects.order_by("pk")
    assert kept.key_expires_at == datetime(2099, 1, 1, 10, 30, tzinfo=UTC)
    assert shortened.key_expires_at < kept.key_expires_at - timedelta(days=365)
    page = alice_client.post(wanted, AGREE | {"limit": "plenty"})
    assert (page.status_code, "Enter an amount in dollars" in page.content.decode()) == (422, True)


# --- The API -----------------------------------------------------------------------------------------


def test_a_key_makes_codes_in_the_name_of_its_creator(alice, organisation):
    _, secret = issuing.create(organisation, alice, "Own")
    headers = {"Authorization": f"Bearer {secret}"}
    body = {"callback_url": CALLBACK, "code_challenge": CHALLENGE, "limit": 2.5, "usage_limit_type": "daily"}
    made = Client().post("/api/v1/auth/keys/code", json.dumps(body), content_type="application/json", headers=headers)
    check("POST /auth/keys/code", 200, made.json())
    assert exchange(code=made.json()["data"]["id"], code_verifier=VERIFIER).json()["user_id"] == alice.public_id
    key = ApiKey.objects.get(app="https://app.example")
    assert (key.name, key.limit, key.limit_reset) == ("app.example", pico_from_cents(250), "daily")


@pytest.mark.parametrize(
    "bound", [{"limit": 1}, {"expires_at": datetime(2099, 1, 1, tzinfo=UTC)}, {"app": "https://a.b"}]
)
def test_a_bound_key_cannot_make_one_that_is_not(alice, organisation, bound):
    _, secret = issuing.create(organisation, alice, "Bound", **bound)
    headers = {"Authorization": f"Bearer {secret}"}
    body = json.dumps({"callback_url": CALLBACK})
    made = Client().post("/api/v1/auth/keys/code", body, content_type="application/json", headers=headers)
    assert made.status_code == 403
    assert not AuthorizationCode.objects.exists()


def test_wrong_methods_and_bodies_are_refused(db):
    assert Client().get("/api/v1/auth/keys").status_code == 405
    assert exchange().status_code == 400
    assert exchange(code="").status_code == 403
    assert exchange(code="x" * 300).status_code == 400
    assert exchange(code="\x00").status_code == 403


# --- Connected apps ----------------------------------------------------------------------------------


def test_apps_are_listed_and_disconnected(alice_client, alice, organisation, charlie_client):
    for name in ("One", "Two"):
        issuing.create(organisation, alice, name, app="https://app.example")
    ApiKey.objects.filter(name="One").update(usage=pico_from_cents(125))
    issuing.create(organisation, alice, "Of no app")
    page = alice_client.get("/settings/connected-apps").content.decode()
    assert ("https://app.example" in page, "$1.25" in page, "Of no app" in page) == (True, True, False)
    gone = "/settings/connected-apps/disconnect?app=https://app.example"
    assert charlie_client.post(gone).status_code == 404
    assert "2 keys will be deleted" in alice_client.get(gone).content.decode()
    assert alice_client.post(gone)["Location"] == "/settings/connected-apps"
    assert not ApiKey.objects.filter(deleted_at=None).exclude(app="").exists()
    assert alice_client.post(gone).status_code == 404
    assert "No apps connected" in alice_client.get("/settings/connected-apps").content.decode()
