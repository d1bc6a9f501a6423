"""Error pages, and the same errors below `/api/` as JSON."""

import re
from types import ModuleType

import pytest
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.test import Client, RequestFactory
from django.urls import path, reverse

from accounts.models import User
from openrouter_site import urls
from openrouter_site.pages import errors
from openrouter_site.urls import urlpatterns
from tests.openrouter_site.pages.test_site import Outline, check

pytestmark = pytest.mark.django_db


def breaks(request):
    raise RuntimeError("prompt text that must stay secret")


def refuses(request):
    raise PermissionDenied("Only admins of the organization can do this.")


def hides(request):
    raise Http404("secret reason")


broken = [
    path("breaks", breaks),
    path("api/v1/breaks", breaks),
    path("refuses", refuses),
    path("api/v1/refuses", refuses),
]


#: The site's routes, and some that fail.
with_errors = ModuleType("with_errors")
with_errors.urlpatterns = [*broken, path("hides", hides), *urlpatterns]  # type: ignore[attr-defined]
for name in ("handler400", "handler403", "handler404", "handler500"):
    setattr(with_errors, name, getattr(urls, name))


@pytest.fixture
def failing(client: Client, settings) -> Client:
    settings.ROOT_URLCONF = with_errors
    client.raise_request_exception = False
    return client


def test_an_unknown_page_names_ways_on(client: Client):
    response = client.get("/no/such/page")
    page = response.content.decode()
    assert response.status_code == 404
    assert "The page may have moved" in page and "/models" in page
    assert f"{reverse('account_login')}?next=/no/such/page" in page


def test_an_unknown_page_does_not_offer_sign_in_to_a_member(alice_client: Client):
    assert "?next=" not in alice_client.get("/no/such/page").content.decode()


def test_a_hidden_thing_looks_like_an_unknown_one(failing: Client):
    hidden, unknown = failing.get("/hides"), failing.get("/no/such/page")
    pages = [re.sub(r'(nonce|content|value|href)="[^"]*"', "", answer.content.decode()) for answer in (hidden, unknown)]
    assert pages[0] == pages[1] and "secret reason" not in pages[0]


def test_the_same_pages_are_shown_in_development(failing: Client, settings):
    from openrouter_site.pages.errors import ErrorPagesInDevelopment

    settings.DEBUG = True
    request = RequestFactory().get("/hides")
    request.resolver_match = None
    middleware = ErrorPagesInDevelopment(lambda request: errors.not_found(request))
    assert "The page may have moved" in middleware.process_exception(request, Http404()).content.decode()
    assert middleware.process_exception(request, RuntimeError()) is None  # Django shows the traceback
    assert "The page may have moved" in middleware(request).content.decode()


def test_a_refusal_says_whom_to_ask(failing: Client, alice: User, organisation):
    failing.force_login(alice)
    response = failing.get("/refuses")
    page = response.content.decode()
    assert response.status_code == 403
    assert "Only admins of the organization can do this." in page and organisation.name in page


def test_a_fault_of_ours_says_nothing_about_it_and_asks_nothing_of_the_database(
    failing: Client, django_assert_num_queries
):
    with django_assert_num_queries(0):
        response = failing.get("/breaks")
    page = response.content.decode()
    assert response.status_code == 500
    assert "Something went wrong on our side" in page and "prompt text" not in page and "Traceback" not in page
    assert "default-src 'none'" in response["Content-Security-Policy"]
    assert Outline(page).forbidden == [] and Outline(page).h1 == 1


@pytest.mark.parametrize(
    ("address", "status", "kind"),
    [
        ("/api/v1/no/such/thing", 404, "not_found"),
        ("/api/v1/refuses", 403, "permission_denied"),
        ("/api/v1/breaks", 500, "server"),
    ],
)
def test_below_api_errors_are_json(failing: Client, address: str, status: int, kind: str):
    response = failing.get(address)
    error = response.json()["error"]
    assert (response.status_code, error["code"], error["metadata"]["error_type"]) == (status, status, kind)
    assert "prompt text" not in response.content.decode()


def test_a_malformed_request_gets_a_page_too():
    factory = RequestFactory()
    page = errors.bad_request(factory.get("/x"))
    assert page.status_code == 400 and "home page" in page.content.decode()
    assert errors.bad_request(factory.get("/api/v1/x"))["Content-Type"] == "application/json"


def test_a_wrong_host_is_refused(client: Client):
    response = client.get("/", headers={"host": "evil.example"})
    assert response.status_code == 400 and "evil.example" not in response.content.decode()


def test_too_many_attempts_get_a_page_that_says_to_wait(client: Client):
    for _ in range(21):
        response = client.get(reverse("account_signup"))
        response = client.post(reverse("account_signup"), {"email": "x", "password1": "y"})
    assert response.status_code == 429
    assert "Wait a minute" in response.content.decode()
    check(response)
