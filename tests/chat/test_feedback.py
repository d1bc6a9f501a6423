"""Feedback on an answer, sent by the chat's page."""

import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from gateway.models import Feedback
from tests.activity.factory import make_request, make_running


@pytest.fixture
def made(account):
    return make_request(account, source="chat")


def send(client: Client, generation_id: str, **fields):
    return client.post(f"/chat/feedback/{generation_id}", {"rating": "good"} | fields)


def given() -> list[tuple[str, str, str]]:
    return list(Feedback.objects.values_list("rating", "category", "comment"))


def test_the_last_opinion_counts_and_can_be_taken_back(alice_client, bob_client, made):
    assert send(alice_client, made.pk).status_code == 204
    assert given() == [("good", "", "")]
    assert send(bob_client, made.pk, rating="bad", category="formatting", comment=" Odd\ncommas ").status_code == 204
    assert given() == [("bad", "formatting", "Odd\ncommas")]
    for _ in range(2):
        assert alice_client.delete(f"/chat/feedback/{made.pk}").status_code == 204
        assert given() == []


def test_requests_of_others_and_running_ones_are_not_found(alice_client, charlie_client, account, made):
    running = make_running(account)
    for client, name in (
        (charlie_client, made.pk),
        (alice_client, running.pk),
        (alice_client, "gen-0"),
        (alice_client, "%00"),
    ):
        assert send(client, name).status_code == 404
        assert client.delete(f"/chat/feedback/{name}").status_code == 404
    assert given() == []


def test_signed_out_is_said_and_not_redirected(made):
    refused = send(Client(), made.pk)
    assert refused.status_code == 401 and "Sign in" in refused.json()["error"]


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"rating": "fine"}, "not one of the available choices"),
        ({"rating": ""}, "required"),
        ({"rating": "bad", "category": "praise"}, "not one of the available choices"),
        ({"category": "latency"}, "Only a bad answer has a category."),
        ({"comment": "x" * 1001}, "at most 1000"),
        ({"comment": "a\x00b"}, "Null characters"),
    ],
)
def test_what_is_malformed_is_refused_with_the_reason(alice_client, made, fields, problem):
    refused = send(alice_client, made.pk, **fields)
    assert refused.status_code == 400 and problem in refused.json()["error"]
    assert given() == []


def test_it_is_protected_from_other_sites(alice, made):
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    assert send(client, made.pk).status_code == 403


def test_a_good_rating_is_on_the_requests_page_and_in_the_admin(alice_client, admin_client, made):
    send(alice_client, made.pk, comment="Just right")
    page = alice_client.get(f"/activity/{made.pk}").content.decode()
    assert "Good" in page and "Just right" in page
    assert "Just right" in admin_client.get("/admin/gateway/feedback/", {"rating": "good"}).content.decode()


def test_the_schema_allows_no_category_for_good(made):
    with pytest.raises(IntegrityError), transaction.atomic():
        Feedback.give(made, "good", "latency", "")
