"""Saved views: the address under a name, for its user alone or shared, whatever the text that is sent."""

import pytest
from django.urls import reverse

from accounts.models import Organisation, User
from activity.models import SavedView
from activity.saved_views import saving
from keys import issuing
from tests.activity.factory import make_request

HOSTILE = [
    "model=%00%1b%5b31m&app=%E2%80%AE&cost_from=1e999",
    "model=<script>alert(1)</script>&unknown=1&before=x&since=1&generation=gen-1",
    "period=%F0%9F&by=password&show=' OR 1=1 --",
    "&&&===%%%zz&tab=sessions%00",
    "?next=//evil.example.com&period=7d#fragment",
]


def save(client, page="logs", query="status=failed", name="Failures", **more):
    return client.post("/activity/views/save", {"page": page, "query": query, "name": name, **more})


def test_a_view_is_saved_opened_renamed_and_deleted(alice_client, account):
    assert save(alice_client).url == "/logs?status=failed"
    view = SavedView.objects.get()
    assert alice_client.get(f"/activity/views/{view.public_id}").url == "/logs?status=failed"
    listed = alice_client.get("/activity/views").content.decode()
    assert "Failures" in listed
    assert "status=failed" in listed
    edited = alice_client.post(f"/activity/views/{view.public_id}/edit", {"name": "What failed"})
    assert edited.url == "/activity/views"
    assert "What failed" in alice_client.get("/activity/views").content.decode()
    deleted = f"/activity/views/{view.public_id}/delete"
    assert "Delete this view?" in alice_client.get(deleted).content.decode()
    assert SavedView.objects.exists()
    assert alice_client.post(deleted).url == "/activity/views"
    assert not SavedView.objects.exists()
    assert alice_client.get(f"/activity/views/{view.public_id}").status_code == 404


def test_the_menu_of_a_page_lists_its_views_and_marks_the_one_that_is_shown(alice_client, account):
    make_request(account)
    save(alice_client)
    save(alice_client, page="activity", query="period=7d", name="A week")
    alice_client.get("/activity/views")  # shows the messages
    logs = alice_client.get("/logs?status=failed").content.decode()
    assert "Failures" in logs
    assert "A week" not in logs
    assert 'aria-current="true">' in logs.partition("views-menu")[2].partition("Failures")[0]
    activity = alice_client.get("/activity?period=7d&by=app").content.decode()
    assert "A week" in activity
    assert "page=activity&amp;query=period%3D7d%26by%3Dapp" in activity


def test_the_same_name_asks_before_it_replaces(alice_client, account):
    save(alice_client)
    refused = save(alice_client, query="status=stopped")
    assert refused.status_code == 422
    assert "Replace it" in refused.content.decode()
    assert SavedView.objects.get().query == "status=failed"
    assert save(alice_client, query="status=stopped", replace="yes").url == "/logs?status=stopped"
    assert SavedView.objects.get().query == "status=stopped"
    # On the other page the name is free, and so it is to rename to, once.
    save(alice_client, page="activity", query="")
    save(alice_client, name="Other")
    other = SavedView.objects.get(name="Other")
    clash = alice_client.post(f"/activity/views/{other.public_id}/edit", {"name": "Failures"})
    assert "already" in clash.content.decode()
    assert SavedView.objects.filter(name="Failures").count() == 2


@pytest.mark.parametrize("page", ["activity", "logs"])
@pytest.mark.parametrize("query", HOSTILE)
def test_hostile_text_keeps_only_what_the_filters_understand(alice_client, account, page: str, query: str):
    response = save(alice_client, page=page, query=query, name="<b>&\"'")
    assert response.status_code == 302
    assert response.url.partition("?")[0] == f"/{page}"
    kept = SavedView.objects.get()
    assert kept.query == saving.normalized(page, kept.query, kept.organisation, kept.user)
    assert not {"unknown", "before", "since", "next", "generation"} & {
        part.partition("=")[0] for part in kept.query.split("&")
    }
    for path in (response.url, "/activity/views", f"/activity/views/{kept.public_id}/edit"):
        page_text = alice_client.get(path)
        assert page_text.status_code == 200
        assert "<b>&" not in page_text.content.decode()
        assert "<script>alert" not in page_text.content.decode()


def test_what_cannot_be_saved_says_why(alice_client, account, charlie_client):
    for name in ("", " ", "x" * 81, "a\x07b", "a\u202eb"):
        assert save(alice_client, name=name).status_code == 422
    too_long = save(alice_client, query="model=" + "x" * 2000)
    assert too_long.status_code == 422
    assert "longer than 2,000 characters" in too_long.content.decode()
    assert save(alice_client, page="admin").status_code == 404
    assert save(alice_client, query="key=" + "0" * 64).status_code == 404
    assert not SavedView.objects.exists()


def test_fifty_views_are_the_limit_and_one_of_them_can_still_be_replaced(alice_client, account):
    for number in range(saving.MOST):
        assert save(alice_client, name=f"View {number}").status_code == 302
    refused = save(alice_client, name="One more")
    assert refused.status_code == 422
    assert "50 saved views" in refused.content.decode()
    assert save(alice_client, name="View 7", query="", replace="yes").url == "/logs"


def test_a_view_is_its_users_until_it_is_shared(alice_client, bob_client, charlie_client, account, bob):
    save(bob_client)
    view = SavedView.objects.get()
    paths = [f"/activity/views/{view.public_id}{act}" for act in ("", "/edit", "/delete")]
    for client in (alice_client, charlie_client):
        assert [client.get(path).status_code for path in paths] == [404, 404, 404]
        assert "Failures" not in client.get("/activity/views").content.decode()
    bob_client.post(paths[1], {"name": "Failures", "shared": "on"})
    # Alice is an admin, Bob is not.
    assert [alice_client.get(path).status_code for path in paths] == [302, 200, 200]
    assert [charlie_client.get(path).status_code for path in paths] == [404, 404, 404]
    view.refresh_from_db()
    view.user = User.objects.get(email="alice@example.com")
    view.save()
    assert [bob_client.get(path).status_code for path in paths] == [302, 404, 404]
    assert bob_client.post(paths[2]).status_code == 404


def test_nothing_can_be_shared_in_an_organization_of_one(charlie_client, charlie):
    save(charlie_client, shared="on")
    assert not SavedView.objects.get().shared


def test_a_key_that_was_deleted_in_between_is_a_notice(alice_client, account, organisation, alice):
    key = issuing.create(organisation, alice, "Laptop")[0]
    save(alice_client, query=f"key={key.hash}&status=failed")
    path = f"/activity/views/{SavedView.objects.get().public_id}"
    issuing.delete(key)
    opened = alice_client.get(path, follow=True)
    assert opened.status_code == 200
    assert "“Laptop” was deleted" in opened.content.decode()
    key.delete()
    opened = alice_client.get(path, follow=True)
    assert opened.redirect_chain == [("/logs?status=failed", 302)]
    assert "no longer exists" in opened.content.decode()


def test_a_view_keeps_its_other_keys_and_its_zone(alice_client, account, organisation, alice):
    User.objects.filter(pk=alice.pk).update(time_zone="Asia/Kolkata")
    gone, stays = (issuing.create(organisation, alice, name)[0] for name in ("Gone", "Stays"))
    save(alice_client, page="activity", query=f"key={gone.hash}&key={stays.hash}&zone=utc")
    gone.delete()
    opened = alice_client.get(f"/activity/views/{SavedView.objects.get().public_id}", follow=True)
    assert opened.redirect_chain == [(f"/activity?key={stays.hash}&zone=utc", 302)]


def test_views_go_with_their_user_and_with_their_organization(alice_client, bob_client, account, bob):
    save(bob_client)
    save(alice_client)
    bob.delete()
    view = SavedView.objects.get()
    assert view.user.email == "alice@example.com"
    SavedView.objects.update(organisation=Organisation.objects.create(name="Without credits"))
    Organisation.objects.get(name="Without credits").delete()
    assert not SavedView.objects.exists()


def test_signed_out_visitors_are_asked_to_sign_in(client, db):
    for name in ("saved-views", "save-view"):
        assert client.get(reverse(f"activity:{name}")).url.startswith("/account/login/")
