"""`/api/v1/generation/content` and `/api/v1/generation/feedback`."""

import json

import pytest
from cryptography.fernet import Fernet
from django.test import Client

from accounts.models import Membership, User
from gateway.content import stored
from gateway.content.recording import ContentError, PreviousError
from gateway.models import Feedback, StoredContent
from keys import issuing
from tests.activity.factory import make_request, make_running
from tests.api.responses import client_with
from tests.conftest import signed_in
from tests.wire import check


@pytest.fixture
def made(account):
    return make_request(account)


def send_feedback(client: Client, request_id: str, **body):
    sent = {"generation_id": request_id, "category": "formatting"} | body
    response = client.post("/api/v1/generation/feedback", json.dumps(sent), content_type="application/json")
    check("POST /generation/feedback", response.status_code, response.json())
    return response


def content(client: Client, generation_id: str):
    response = client.get("/api/v1/generation/content", {"id": generation_id})
    check("GET /generation/content", response.status_code, response.json())
    return response


# --- Content ---------------------------------------------------------------------------------------


def test_content_that_was_not_logged_is_refused_with_the_reason(manager, made):
    refused = content(manager, made.pk)
    assert refused.status_code == 404
    assert "logging was not on" in refused.json()["error"]["message"]


def keep(request, **content) -> StoredContent:
    sealed = stored.sealed(stored.Content(id=request.pk, **content))
    return StoredContent.objects.create(
        generation=request, account=request.account, created_at=request.created_at, sealed=sealed
    )


def test_logged_content_is_returned_in_the_documented_shape(manager, stranger, made):
    error = ContentError(502, "Provider returned error", "OpenAI", "upstream", [PreviousError(429, "", "Azure")])
    message = {"role": "assistant", "content": "A mineral", "reasoning": None, "refusal": None}
    keep(made, messages=[{"role": "user", "content": "What is quartz?"}], responses=[message], error=error)
    shown = content(manager, made.pk)
    assert shown.status_code == 200 and shown["Cache-Control"] == "no-store"
    assert shown.json()["data"] == {
        "input": {"messages": [{"role": "user", "content": "What is quartz?"}]},
        "output": {"completion": "A mineral", "reasoning": None},
        "error": {
            "message": "Provider returned error", "status": 502, "provider_name": "OpenAI", "raw": "upstream",
            "previous_errors": [{"code": 429, "message": "", "provider_name": "Azure", "raw": None}],
        },
    }  # fmt: skip
    assert content(stranger, made.pk).status_code == 404


def test_a_prompt_and_more_than_text_have_their_fields(manager, made):
    call = {"id": "1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    message = {"role": "assistant", "content": None, "reasoning": "Hm", "tool_calls": [call]}
    keep(made, prompt="Look", responses=[message, {"role": "assistant", "content": "Two"}])
    data = content(manager, made.pk).json()["data"]
    assert data["input"] == {"prompt": "Look"} and data["error"] is None
    assert data["output"]["reasoning"] == "Hm" and data["output"]["messages"][0]["tool_calls"] == [call]


def test_content_whose_key_was_rotated_away_is_refused_with_the_reason(manager, made):
    row = keep(made, prompt="secret")
    row.sealed = Fernet(Fernet.generate_key()).encrypt(b"anything")
    row.save()
    refused = content(manager, made.pk)
    assert refused.status_code == 404
    assert "no longer has the key" in refused.json()["error"]["message"]


def test_content_of_others_and_of_nothing_is_not_found(manager, stranger, made):
    for client, generation_id in ((stranger, made.pk), (manager, "gen-0-none"), (manager, "\x00")):
        refused = content(client, generation_id)
        assert refused.status_code == 404 and refused.json()["error"]["message"].startswith("Generation not found")


def test_only_admins_keys_read_content(organisation, bob, api, made):
    membership, _ = Membership.objects.update_or_create(
        organisation=organisation, user=bob, defaults={"role": Membership.Role.MEMBER}
    )
    bobs = client_with(issuing.create(organisation, bob, "Bob's")[1])
    assert content(bobs, made.pk).status_code == 403
    membership.role = Membership.Role.ADMIN
    membership.save()
    assert content(bobs, made.pk).status_code == 404
    membership.delete()
    assert content(bobs, made.pk).status_code == 403
    assert content(api, made.pk).status_code == 404


# --- Feedback --------------------------------------------------------------------------------------


@pytest.mark.parametrize("category", Feedback.Category.values)
def test_feedback_is_stored_once_for_each_request(api, manager, made, category):
    assert send_feedback(api, made.pk, comment="first").status_code == 200
    assert send_feedback(manager, made.pk, category=category).json() == {"data": {"success": True}}
    [row] = Feedback.objects.all()
    assert (row.generation_id, row.category, row.comment) == (made.pk, category, "")


def test_feedback_on_requests_of_others_is_not_found(stranger, api, account, made):
    running = make_running(account)
    for client, generation_id in ((stranger, made.pk), (api, running.pk), (api, "gen-0-none"), (api, "\x00")):
        assert send_feedback(client, generation_id).status_code == 404
    assert not Feedback.objects.exists()


@pytest.mark.parametrize(
    "body, named",
    [
        ({"category": "praise"}, "category"),
        ({"category": None}, "category"),
        ({"comment": "x" * 1001}, "comment"),
        ({"comment": "a\x00b"}, "comment"),
        ({"comment": 5}, "comment"),
        ({"generation_id": ""}, "generation_id"),
        ({"generation_id": None}, "generation_id"),
    ],
)
def test_what_is_malformed_is_named(api, made, body, named):
    refused = send_feedback(api, made.pk, **body)
    message = refused.json()["error"]["message"]
    assert refused.status_code == 400 and message.startswith(f"Invalid request parameters. {named}: ")
    assert not Feedback.objects.exists()


def test_a_comment_may_be_as_long_as_the_limit_in_any_script(api, made):
    comment = "😀\nж" * 333 + "!"
    assert len(comment) == Feedback.COMMENT_LENGTH
    assert send_feedback(api, made.pk, comment=comment).status_code == 200
    assert Feedback.objects.get().comment == comment


def test_the_organization_sees_it_on_the_requests_page_and_outsiders_do_not(
    api, made, alice_client, bob_client, charlie_client
):
    page = f"/activity/{made.pk}"
    assert "Feedback" not in alice_client.get(page).content.decode()
    send_feedback(api, made.pk, category="incorrect_response", comment="<b>Lisbon</b> is\nin Portugal")
    for client in (alice_client, bob_client):
        shown = client.get(page).content.decode()
        assert "Incorrect response" in shown and "&lt;b&gt;Lisbon&lt;/b&gt; is<br>in Portugal" in shown
    assert charlie_client.get(page).status_code == 404


def test_operators_read_feedback_newest_first(api, account, made):
    desk = signed_in(User.objects.create_superuser("operator@example.com", "correct horse battery"))
    other = make_request(account)
    send_feedback(api, made.pk, comment="too slow", category="latency")
    send_feedback(api, other.pk, comment="odd commas")
    listed = desk.get("/admin/gateway/feedback/").content.decode()
    assert listed.index("odd commas") < listed.index("too slow")
    assert f"/admin/gateway/generation/{made.pk}/change/" in listed
    assert "odd commas" not in desk.get("/admin/gateway/feedback/", {"category": "latency"}).content.decode()
    found = desk.get("/admin/gateway/feedback/", {"q": made.pk}).content.decode()
    assert "too slow" in found and "odd commas" not in found
    assert desk.get(f"/admin/gateway/feedback/{made.pk}/change/").status_code == 200
    assert desk.post(f"/admin/gateway/feedback/{made.pk}/change/", {"comment": "x"}).status_code == 403
