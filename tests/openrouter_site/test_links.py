"""Every link of the site leads somewhere: for a visitor, for an owner of an organization with data, for an operator."""

from types import ModuleType

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import path

from accounts.models import Organisation, User
from activity.tasks import count_rankings
from billing import spending
from keys.models import ApiKey
from openrouter_site.urls import urlpatterns
from tests.activity.factory import make_history
from tests.conftest import signed_in
from tests.openrouter_site.crawler import Crawler
from tests.openrouter_site.test_access import bundled, parameters, people, shop  # noqa: F401


@pytest.fixture
def used(parameters) -> None:  # noqa: F811
    """An organization with one of everything that has a page, and two months of requests."""
    acme = Organisation.objects.get(name="Acme")
    make_history(spending.account_of(acme), list(ApiKey.objects.filter(organisation=acme)), 100)
    count_rankings()


def check(crawler: Crawler, *expected: str) -> None:
    """AssertionError unless every link leads somewhere, and these routes are among those that were reached."""
    crawler.crawl()
    assert crawler.broken == []
    assert set(expected) - crawler.routes == set()


def test_every_link_for_a_visitor_leads_somewhere(client: Client, bundled):  # noqa: F811
    check(Crawler(client, "/"), "models", "docs/<path:slug>", "compare", "provider/<str:slug>", "pricing", "status")


def test_every_link_for_a_member_leads_somewhere(people, used):  # noqa: F811
    check(
        Crawler(people["owner"], "/"),
        "logs",
        "activity/<generation_id:generation_id>",
        "settings/keys/<key_hash:key_hash>",
        "settings/presets/<slug:slug>",
        "settings/guardrails/<uuid:guardrail_id>",
        "settings/organization/members/<str:user_id>/remove",
        "apps/<path:address>",
        "request-builder",
    )


def test_every_link_for_an_operator_leads_somewhere(used):
    operator = User.objects.create_superuser("operator@example.com", "correct horse battery")
    crawler = Crawler(signed_in(operator), "/admin/", per_route=1, with_query=0)
    check(crawler, "admin/activity/app/<path:object_id>/change/", "admin/models_catalog/cataloguesync/")


def test_the_crawler_tells_what_leads_nowhere(client: Client, settings, db):
    html = """<html><a href="?page=2"></a><a href="#here"></a><a id="here" href="gone"></a><a href="other#there"></a>
        <a href="#nothing"></a><a href="https://example.com/x#y"></a><img src="/static/none.svg">
        <form action="/broken/nowhere" method="post"></form>"""
    pages = {"": (html, 200), "other": ("<html>", 200), "gone": ("", 404)}
    broken = ModuleType("broken")
    broken.urlpatterns = [
        *(
            path(f"broken/{name}", lambda _, page=page: HttpResponse(page[0], status=page[1]))
            for name, page in pages.items()
        ),
        *urlpatterns,
    ]
    settings.ROOT_URLCONF = broken
    crawler = Crawler(client, "/broken/")
    crawler.crawl()
    assert sorted({line.partition(" on ")[0] for line in crawler.broken}) == [
        "/broken/#nothing",
        "/broken/?page=2#nothing",
        "/broken/gone",
        "/broken/nowhere",
        "/broken/other#there",
        "/static/none.svg",
    ]
