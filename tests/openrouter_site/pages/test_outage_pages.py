"""Pages and the API while the database or Redis is away: 503, when to try again, and what to do."""

import asyncio
from collections.abc import AsyncIterator
from types import ModuleType

import pytest
import redis
from django.db import OperationalError, ProgrammingError
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.test import Client
from django.urls import path

from accounts.models import User
from common.storage import database
from openrouter_site import urls
from openrouter_site.asgi import pages
from tests.common.storage.test_database import lent, needs_postgresql

pytestmark = pytest.mark.django_db


def meets_no_database(request: HttpRequest) -> HttpResponse:
    raise OperationalError("connection refused")


def meets_no_redis(request: HttpRequest) -> HttpResponse:
    raise redis.exceptions.ConnectionError("connection refused")


def has_a_fault(request: HttpRequest) -> HttpResponse:
    raise ProgrammingError("no such column: secret")


def breaks_off(request: HttpRequest) -> StreamingHttpResponse:
    User.objects.count()

    async def lines() -> AsyncIterator[str]:
        yield "the first line"
        raise ValueError

    return StreamingHttpResponse(lines())


class MeetsNoDatabaseOnTheWayBack:
    """A middleware that fails after the view, as saving a session may."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if "way-back" in request.path:
            raise OperationalError("connection refused")
        return response


meeting = ModuleType("meeting")
meeting.urlpatterns = [  # type: ignore[attr-defined]
    path("no-database", meets_no_database),
    path("no-redis", meets_no_redis),
    path("api/v1/no-database", meets_no_database),
    path("way-back", lambda request: HttpResponse("never seen")),
    path("fault", has_a_fault),
    path("breaks-off", breaks_off),
    *urls.urlpatterns,
]
for name in ("handler400", "handler403", "handler404", "handler500"):
    setattr(meeting, name, getattr(urls, name))


@pytest.fixture
def meeting_outages(client: Client, settings) -> Client:
    settings.ROOT_URLCONF = meeting
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, f"{__name__}.MeetsNoDatabaseOnTheWayBack"]
    client.raise_request_exception = False
    return client


@pytest.mark.parametrize("development", [False, True], ids=["production", "development"])
@pytest.mark.parametrize("address", ["/no-database?page=2", "/no-redis", "/way-back"])
def test_a_page_says_that_it_passes_and_offers_to_try_again(
    meeting_outages: Client, settings, address: str, development: bool, django_assert_num_queries
):
    settings.DEBUG = development
    with django_assert_num_queries(0):
        response = meeting_outages.get(address)
    page = response.content.decode()
    assert (response.status_code, response["Retry-After"]) == (503, "5")
    assert "Temporarily unavailable" in page and f'href="{address}"' in page
    assert "default-src 'none'" in response["Content-Security-Policy"]


def test_a_form_is_not_sent_again_by_the_link(meeting_outages: Client):
    page = meeting_outages.post("/no-database").content.decode()
    assert "may not have been saved" in page and 'href="/no-database"' not in page


@pytest.mark.parametrize("development", [False, True], ids=["production", "development"])
def test_the_api_answers_in_its_envelope(meeting_outages: Client, settings, development: bool):
    settings.DEBUG = development
    response = meeting_outages.get("/api/v1/no-database")
    assert (response.status_code, response["Retry-After"]) == (503, "5")
    assert response.json()["error"] == {
        "code": 503,
        "message": "This service is temporarily unavailable. Try again in a few seconds.",
        "metadata": {"error_type": "server"},
    }


def test_a_fault_of_ours_stays_500(meeting_outages: Client):
    response = meeting_outages.get("/fault")
    assert response.status_code == 500 and "Retry-After" not in response.headers


@needs_postgresql
@pytest.mark.django_db(transaction=True)
async def test_a_response_that_breaks_off_returns_its_connection(settings):
    settings.ROOT_URLCONF = meeting

    async def receive() -> dict[str, object]:
        if not asked:
            asked.append(True)
            return {"type": "http.request", "body": b"", "more_body": False}
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: object) -> None:
        sent.append(message)

    asked: list[bool] = []
    sent: list[object] = []
    scope = {"type": "http", "method": "GET", "path": "/breaks-off", "query_string": b"", "headers": []}
    scope["headers"] = [(b"host", b"127.0.0.1")]
    with pytest.raises(ValueError):
        await pages(scope, receive, send)
    assert len(sent) == 2
    assert await database.run(lent) == 0
