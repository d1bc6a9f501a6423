"""Times come back from PostgreSQL as Django's own loader reads them."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from django.db import DataError, connection

pytestmark = [
    pytest.mark.skipif(connection.vendor != "postgresql", reason="about PostgreSQL's times"),
    pytest.mark.django_db,
]


def read(text: str) -> datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::timestamptz", [text])
        return cursor.fetchone()[0]


@pytest.mark.parametrize(
    "moment",
    [
        datetime(2026, 11, 29, 20, tzinfo=UTC),
        datetime(2026, 11, 29, 20, 0, 0, 500_000, tzinfo=UTC),
        datetime(2026, 3, 29, 1, 59, 59, 1, tzinfo=ZoneInfo("Asia/Kathmandu")),
        datetime(1, 1, 1, tzinfo=UTC),
        datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    ],
)
def test_a_moment_is_read_in_utc(moment):
    found = read(moment.isoformat())
    assert found == moment
    assert found.utcoffset().total_seconds() == 0


@pytest.mark.parametrize("text", ["infinity", "20260-01-01 00:00:00+00", "0044-03-15 00:00:00+00 BC"])
def test_a_time_that_python_does_not_have_is_an_error(text):
    with pytest.raises(DataError):
        read(text)
