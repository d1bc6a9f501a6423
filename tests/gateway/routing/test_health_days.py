"""Days of endpoints, added up from minutes."""

from datetime import UTC, datetime, timedelta

import pytest

from gateway.models import EndpointDay, EndpointMinute
from gateway.routing import health_days
from gateway.tasks import count_endpoint_hours

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 18, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def _noon(clock) -> None:
    clock.set(NOON + timedelta(minutes=30))


def served(hours_ago: float, ok: int, errors: int = 0, *, tag: str = "alpha", process: str = "one") -> None:
    EndpointMinute.objects.create(
        process_id=process, model="acme/one", tag=tag, minute=NOON - hours_ago * HOUR, ok=ok, errors=errors,
        latency={"48": ok}, throughput={"41": ok},
    )  # fmt: skip


def test_each_hour_that_is_over_is_added_to_its_day_once():
    served(20, 100, 100)  # yesterday
    served(3, 30, process="one")
    served(3, 30, process="two")
    served(1, 39, 1)
    served(0, 1000)  # this hour is not over
    count_endpoint_hours()
    count_endpoint_hours()
    days = health_days.of_model("acme/one")["alpha"]
    assert (days.answered, days.uptime) == (199, round(100 * 199 / 300, 2))
    assert [(each.date.day, each.state) for each in days.days[-3:]] == [(16, "none"), (17, "bad"), (18, "ok")]
    assert days.days[-1].latency_ms == pytest.approx(97, abs=1)
    assert days.days[-1].throughput == pytest.approx(49.8, abs=0.5)
    assert days.days[-3].latency_ms is None and len(days.days) == 30


def test_an_hour_that_another_worker_has_added_is_left_alone():
    served(1, 40)
    health_days._count(NOON - HOUR)
    health_days._count(NOON - HOUR)
    assert EndpointDay.objects.get().ok == 40


def test_a_provider_has_the_sums_of_its_endpoints_and_old_days_go(clock):
    for tag in ("alpha", "alpha/turbo", "alphabet"):
        served(1, 50, 50, tag=tag)
    count_endpoint_hours()
    days = health_days.of_provider("alpha")
    assert days is not None and (days.answered, days.uptime, days.states[-1]) == (100, 50, "bad")
    assert health_days.of_provider("beta") is None
    clock.set(NOON + timedelta(days=30))
    assert health_days.of_provider("alpha") is None
    count_endpoint_hours()
    assert not EndpointDay.objects.exists()
