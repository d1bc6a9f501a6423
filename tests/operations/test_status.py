"""The public page of the site's state."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from common.clock import utc_now
from gateway.models import EndpointMinute
from operations import status
from operations.models import Heartbeat, Incident
from tests.models_catalog.conftest import shop  # noqa: F401
from tests.operations.heartbeats import beat_hearts

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 5, 4, 12, 30, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _forgotten():
    status._cache.clear()
    yield
    status._cache.clear()


def count(tag: str, *, hours: int, ok: int, errors: int = 0, process: str = "one") -> None:
    EndpointMinute.objects.create(
        process_id=process, model="acme/small", tag=tag, minute=NOW - timedelta(hours=hours), ok=ok, errors=errors
    )


def test_providers_have_the_uptime_of_all_their_endpoints_and_the_state_of_each_hour(shop):  # noqa: F811
    count("alpha", hours=0, ok=190, errors=0)
    count("alpha", hours=0, ok=0, errors=10, process="two")
    count("alpha/turbo", hours=1, ok=85, errors=15)
    count("alpha", hours=3, ok=5, errors=5)
    count("alpha", hours=4, ok=3)
    count("alpha", hours=30, ok=0, errors=1000)  # too long ago
    count("beta", hours=0, ok=9)
    alpha, beta = status.measured(NOW).providers
    assert (alpha.name, alpha.uptime) == ("Alpha", round(100 * 283 / 313, 2))
    assert [hour.state for hour in alpha.hours[-5:]] == ["none", "bad", "none", "warn", "ok"]
    assert len(alpha.hours) == 24 and {hour.state for hour in alpha.hours[:19]} == {"none"}
    assert (beta.name, beta.uptime) == ("Beta", None)


def test_incidents_that_concern_visitors_are_shown_and_the_operators_own_are_not(client: Client, shop):  # noqa: F811
    now = utc_now()
    for kind, subject, hours, is_over in (
        ("provider", "alpha", 1, False),
        ("provider", "beta", 30, True),
        ("ledger", "", 1, False),
        ("webhooks", "stripe", 1, False),
        ("queue", "usage", 2, True),
        ("queue", "mail", 2, True),
        ("queue", "broadcast", 3, True),
    ):
        opened = now - timedelta(hours=hours)
        Incident.objects.create(
            kind=kind, subject=subject, detail="Secret detail", opened_at=opened, closed_at=now if is_over else None
        )
    EndpointMinute.objects.create(process_id="one", model="acme/small", tag="alpha", minute=now, errors=20)
    html = client.get("/status").content.decode()
    assert "Alpha didn&#x27;t answer" in html and "not over yet" in html and "1 not answering" in html
    assert "Beta didn&#x27;t answer" in html and "Background work was delayed: mail, usage<" in html
    assert "Background work was delayed: broadcast<" in html
    assert "Secret detail" not in html and "ledger" not in html and "stripe" not in html.lower()


def test_a_silent_worker_is_a_delay_and_an_empty_site_says_so(client: Client):
    html = client.get("/status").content.decode()
    assert "(celery, money, mail" in html and "Delayed" in html and "No figures yet" in html and "None." in html
    beat_hearts()
    assert "Delayed" in client.get("/status").content.decode(), "half a minute old"
    status._cache.clear()
    assert "Delayed" not in client.get("/status").content.decode()
    Heartbeat.objects.filter(name="mail").update(seen_at=utc_now() - timedelta(minutes=3))
    status._cache.clear()
    assert "(mail)" in client.get("/status").content.decode()


def test_the_page_needs_no_query_of_its_own_while_it_is_fresh(client: Client, django_assert_num_queries):
    client.get("/status")
    with django_assert_num_queries(0):
        client.get("/status")
