"""The pages of the rankings: what is public, in order, and at the cost of small tables only."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from activity.models import App
from activity.rankings import counting
from keys import issuing
from tests.activity.factory import make_history, make_requests
from tests.models_catalog.conftest import bundled, bundled_rows, shop  # noqa: F401

from .conftest import CLI, NOON, NOTES, count, use

pytestmark = pytest.mark.django_db


def cells(page: str) -> list[list[str]]:
    """The texts of the ranking's rows."""
    body = re.search(r'<table class="t ranking">.*?<tbody>(.*?)</tbody>', page, re.DOTALL)
    rows = re.findall(r"<tr>(.*?)</tr>", body[1], re.DOTALL) if body else []
    texts = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL) for row in rows]
    return [[" ".join(re.sub(r"<[^>]+>", " ", text).split()) for text in row] for row in texts]


def page_of(client, address: str) -> str:
    response = client.get(address)
    assert response.status_code == 200, address
    return response.content.decode()


def test_models_are_ranked_with_share_and_growth(client, account):
    use(account, "", 600, model="acme/alpha")
    use(account, "", 300, 3, model="acme/beta")
    use(account, "", 100, 2, model="zeta/one")
    use(account, "", 200, 9, model="acme/beta")
    count()
    assert cells(page_of(client, "/rankings")) == [
        ["1", "acme/alpha", "600", "1", "60%", "–"],  # nothing in the days that are over
        ["2", "acme/beta", "300", "1", "30%", "+50%"],
        ["3", "zeta/one", "100", "1", "10%", "new"],
    ]
    assert cells(page_of(client, "/rankings?period=day")) == [["1", "acme/alpha", "600", "1", "100%", "–"]]
    assert cells(page_of(client, "/rankings?period=month&by=author")) == [
        ["1", "acme", "1.1K", "3", "92%", "new"],
        ["2", "zeta", "100", "1", "8%", "new"],
    ]
    page = page_of(client, "/rankings?by=none&period=none")
    assert '<th scope="row">Week of 16 Nov 2026, so far</th><td class="n">600</td>' in page


def test_apps_are_ranked_by_use(client, account, others):
    use(account, NOTES, 500, app_title="Notes")
    use(others[0], CLI, 300)
    use(others[0], "https://play.example.com", 200)
    count()
    App.objects.filter(slug="github.com/acme/cli").update(categories=["cli-agent"])
    App.objects.filter(slug="play.example.com").update(categories=["game"], use="roleplay")
    assert [row[1:3] for row in cells(page_of(client, "/rankings?by=app"))] == [
        ["Notes notes.example.com", "500"],
        ["github.com/acme/cli", "300"],
        ["play.example.com", "200"],
    ]
    counting.rank_again()
    count()
    assert [row[1:3] for row in cells(page_of(client, "/rankings?by=use"))] == [
        ["Not categorized", "500"],
        ["Programming", "300"],
        ["Roleplay", "200"],
    ]


def test_apps_are_found_and_filtered(client, account, others):
    names = [f"app{number}.example.com" for number in range(60)]
    App.objects.bulk_create(App(slug=name, sent_name=name.title()) for name in names)
    make_requests(account, [{"app": f"https://{name}", "created_at": NOON} for name in names])
    use(others[0], CLI, 10)
    count()
    App.objects.filter(slug="github.com/acme/cli").update(name="Acme CLI", categories=["cli-agent"])
    assert len(cells(page_of(client, "/apps"))) == 50
    assert cells(page_of(client, "/apps?page=2"))[-1][:3] == ["61", "Acme CLI github.com/acme/cli", "10"]
    for query in ("q=acme", "category=coding", "q=ACME+CLI&category=coding&sort=trending", "q=github.com&period=day"):
        assert [row[0] for row in cells(page_of(client, f"/apps?{query}"))] == ["1"], query
    assert "No apps found" in page_of(client, "/apps?q=%3Cscript%3E")
    assert "No apps found" in page_of(client, "/apps?category=creative")
    response = client.get("/apps", {"url": "https://github.com/acme/cli/tree/main"})
    assert response.headers["Location"] == "/apps/github.com/acme/cli"


def test_trending_apps_have_more_than_before(client, account):
    use(account, NOTES, 1000)
    for weeks in (1, 2, 3):
        use(account, NOTES, 1000, 7 * weeks)
    use(account, CLI, 100)
    count()
    assert [row[1] for row in cells(page_of(client, "/apps"))] == ["notes.example.com", "github.com/acme/cli"]
    assert [row[1] for row in cells(page_of(client, "/apps?sort=trending"))] == ["github.com/acme/cli"]


def test_an_apps_page_has_its_models_over_time(client, account):
    use(account, NOTES, 300, model="acme/alpha", app_title="Notes <b>")
    use(account, NOTES, 100, 2, model="acme/beta")
    use(account, CLI, 9, model="acme/gamma")
    count()
    page = page_of(client, "/apps/notes.example.com")
    assert cells(page) == [
        ["1", "acme/alpha", "300", "1", "75%", "–"],
        ["2", "acme/beta", "100", "1", "25%", "new"],
    ]
    assert "<h1><bdi>Notes &lt;b&gt;</bdi></h1>" in page
    assert 'href="https://notes.example.com" rel="nofollow ugc noopener noreferrer"' in page
    assert "acme/gamma" not in page
    assert client.get("/apps/nothing.example.com").status_code == 404
    notes = App.objects.get(slug="notes.example.com")
    App.objects.filter(slug="github.com/acme/cli").update(merged_into=notes)
    assert client.get("/apps/github.com/acme/cli").headers["Location"] == "/apps/notes.example.com"
    App.objects.update(blocked=True)
    assert client.get("/apps/notes.example.com").status_code == 404
    for address in ("/apps", "/rankings?by=app", "/rankings?by=use", "/rankings"):
        assert "notes.example.com" not in page_of(client, address)


def test_nothing_of_an_account_is_public(client, alice, organisation, account):
    key, _ = issuing.create(organisation, alice, "Secret project")
    use(
        account, "https://notes.example.com/private/chat-17?token=abc", 100,
        key=key, user=alice, external_user="customer-4711", session_id="session-9", user_agent="Robot/1.0",
        app_title="Notes",
    )  # fmt: skip
    use(account, "http://10.1.2.3/hidden", 50, app_title="Internal tool")
    use(account, "javascript:alert(1)", 50, app_title="Evil")
    count()
    hidden = ("Secret project", alice.email, organisation.name, organisation.public_id, "customer-4711", "session-9",
              "Robot", "chat-17", "token=abc", "10.1.2.3", "Internal tool", "javascript:alert", "Evil")  # fmt: skip
    for address in ("/rankings", "/rankings?by=app", "/rankings?by=use", "/apps", "/apps/notes.example.com"):
        page = page_of(client, address)
        assert not [word for word in hidden if word in page], address


def test_pages_of_an_empty_site(client):
    for address in ("/rankings", "/rankings?by=author&period=day", "/apps", "/apps?period=month"):
        assert re.search("No (apps|requests) (today|in the last)", page_of(client, address))
    count()
    assert "As of" in page_of(client, "/rankings")


ADDRESSES = (
    "/rankings", "/rankings?by=author&period=month", "/rankings?by=app", "/rankings?by=use&period=day", "/apps",
    "/apps?sort=trending&category=coding&q=e", "/apps/notes.example.com",
)  # fmt: skip


def test_pages_read_the_same_few_small_tables_however_much_there_is(client, account, others):
    def queries(address: str) -> list[str]:
        with CaptureQueriesContext(connection) as captured:
            page_of(client, address)
        return [query["sql"] for query in captured]

    use(account, NOTES, 5, app_title="Notes")
    use(account, CLI, 5)
    count()
    App.objects.filter(slug="github.com/acme/cli").update(categories=["cli-agent"])
    page_of(client, "/rankings")  # which reads the catalog
    few = {address: queries(address) for address in ADDRESSES}
    make_history(others[0], [], 60, days=20)
    make_requests(
        others[1],
        [
            {"app": f"https://app{number}.example.com", "model": f"acme/{number}", "created_at": NOON}
            for number in range(15)
        ],
    )
    count()
    many = {address: queries(address) for address in ADDRESSES}
    for address in ADDRESSES:
        assert len(many[address]) == len(few[address]) <= 6, address
        assert not [query for query in many[address] if re.search("gateway_|billing_|keys_", query)]


def test_a_models_page_names_the_apps_that_use_it_most(client, account, shop):  # noqa: F811
    use(account, NOTES, 300, model="acme/small", app_title="Notes")
    use(account, CLI, 900, model="acme/large")
    count()
    page = page_of(client, "/acme/small")
    assert '<a class="link" href="/apps/notes.example.com"><bdi>Notes</bdi></a>' in page
    assert "github.com/acme/cli" not in page
