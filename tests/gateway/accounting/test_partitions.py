"""On PostgreSQL requests and sums lie in partitions by month; a row of any time finds one."""

import importlib
import re
import threading
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, connections, transaction
from django.db.models import Sum

from billing.credits import reconciliation
from common.clock import utc_now
from common.telemetry.jobs import JobFailed
from gateway.accounting import partitions
from gateway.models import EndpointMinute, Feedback, Generation, UsageHour
from gateway.tasks import make_partitions
from tests.activity.factory import make_request
from tests.gateway.accounting.test_settlement import admit, settle

pytestmark = [
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one table each"),
    pytest.mark.django_db,
]

TABLE = "gateway_generation"
NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@pytest.fixture
def noon(clock):
    clock.set(NOON)


def month(year: int, number: int) -> datetime:
    return datetime(year, number, 1, tzinfo=UTC)


def bounds() -> list[tuple[datetime | None, datetime | None]]:
    return [(each.start, each.end) for each in partitions.partitions_of(TABLE)]


def place_of(pk: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT tableoid::regclass::text FROM gateway_generation WHERE id = %s", [pk])
        return cursor.fetchone()[0]


def is_complete() -> bool:
    """Whether the partitions cover all of time without a gap."""
    found = bounds()
    return found[0][0] is None and found[-1][1] is None and all(a[1] == b[0] for a, b in pairwise(found))


def test_the_clock_makes_the_coming_months_of_every_table(noon):
    make_partitions()
    for table in partitions.COLUMNS:
        assert [each.name for each in partitions.partitions_of(table)] == [
            f"{table}_until_2026_11", *(f"{table}_2026_{n}" for n in (11, 12)),
            *(f"{table}_2027_0{n}" for n in (1, 2, 3)), f"{table}_rest",
        ]  # fmt: skip
    assert is_complete()
    assert partitions.make_ahead() == []


def test_rows_of_before_stay_where_they_are_and_new_months_follow(noon, account):
    old = make_request(account, at=NOON - timedelta(days=400))
    assert partitions.make_ahead() == [*partitions.COLUMNS]
    assert place_of(old.pk) == f"{TABLE}_until_2027_01"
    assert bounds()[1] == (month(2027, 1), month(2027, 2))
    assert is_complete()


def test_a_row_of_any_time_finds_a_place_and_its_bill_is_made_once(noon, clock, account):
    partitions.make_ahead()
    for number, at in enumerate((NOON - timedelta(days=9000), NOON, NOON + timedelta(days=9000))):
        admit(account, number, created_at=at, requested=10)
        first = settle(account, number, created_at=at, cost="0.0005", model="acme/one")
        assert settle(account, number, created_at=at, cost="0.0005", model="acme/one") == first
    assert Generation.objects.count() == UsageHour.objects.count() == 3
    account.refresh_from_db()
    assert account.usage == Generation.objects.aggregate(sum=Sum("cost"))["sum"] == 1_500_000_000
    with pytest.raises(IntegrityError), transaction.atomic():
        Generation.objects.bulk_create([Generation.objects.first()])


def test_a_worker_silent_for_months_goes_on_where_it_stopped(noon, clock, account):
    partitions.make_ahead()
    clock.set(NOON + timedelta(days=365))
    late, future = make_request(account), make_request(account, at=NOON + timedelta(days=4000))
    assert TABLE in partitions.make_ahead()
    assert is_complete()
    assert place_of(late.pk) == f"{TABLE}_until_2028_01"
    assert place_of(future.pk) == f"{TABLE}_rest"
    assert bounds()[-1][0] == month(2028, 4)
    assert Generation.objects.count() == 2


def test_a_large_table_is_divided_after_a_check_beside_its_writers(noon, account, monkeypatch):
    monkeypatch.setattr(partitions, "SMALL", 0)
    old = make_request(account, at=NOON)
    assert TABLE in partitions.make_ahead()
    assert place_of(old.pk) == f"{TABLE}_until_2027_01"
    assert is_complete()


def test_a_large_table_with_rows_from_the_future_stays_whole(noon, account, monkeypatch):
    monkeypatch.setattr(partitions, "SMALL", 0)
    make_request(account, at=NOON + timedelta(days=900))
    with pytest.raises(JobFailed, match=f"{TABLE} has rows from the future"):
        partitions.make_ahead()
    assert len(partitions.partitions_of("gateway_endpointminute")) > 1
    assert bounds() == [(None, None)]
    assert make_request(account, at=NOON + timedelta(days=901)).pk


def plan(query) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_bitmapscan = off")
    return query.explain()


def test_a_page_reads_the_partitions_of_its_time_in_the_order_of_an_index(noon, account):
    partitions.make_ahead()
    make_request(account)
    mine = Generation.objects.filter(account=account)
    newest = plan(mine.order_by("-created_at", "-id")[:51])
    assert "Sort" not in newest and "Seq Scan" not in newest
    page = plan(mine.filter(created_at__gte=NOON, created_at__lt=month(2027, 1)).order_by("-created_at", "-id")[:51])
    assert set(re.findall(r" on (gateway_generation_\w+) ", page)) == {f"{TABLE}_2026_11", f"{TABLE}_2026_12"}
    found = plan(Generation.objects.filter(pk="gen-1-1"))
    assert "Index" in found and "Seq Scan" not in found


UNPARTITION = """
CREATE TABLE plain (LIKE {table} INCLUDING DEFAULTS INCLUDING CONSTRAINTS);
INSERT INTO plain SELECT * FROM {table};
DROP TABLE {table};
ALTER TABLE plain RENAME TO {table};
ALTER TABLE {table} ADD CONSTRAINT {table}_pkey PRIMARY KEY (id);
"""
INDEXES = """
CREATE INDEX generations_of_account ON gateway_generation (account_id, created_at DESC, id DESC);
CREATE INDEX generations_of_key ON gateway_generation (key_id);
CREATE INDEX generations_of_session ON gateway_generation (account_id, session_id, created_at DESC)
    WHERE NOT session_id = '';
ALTER TABLE gateway_feedback ADD CONSTRAINT feedback_of_generation FOREIGN KEY (generation_id)
    REFERENCES gateway_generation DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE gateway_usagehour ALTER id ADD GENERATED BY DEFAULT AS IDENTITY (START WITH 100000);
ALTER TABLE gateway_usagehour ADD CONSTRAINT usage_hour_once
    UNIQUE (account_id, hour, key_id, user_id, model, provider, app, source);
ALTER TABLE gateway_usagehour ADD CONSTRAINT hour_of_account FOREIGN KEY (account_id)
    REFERENCES billing_creditaccount DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE gateway_endpointminute ALTER id ADD GENERATED BY DEFAULT AS IDENTITY;
ALTER TABLE gateway_endpointminute ADD CONSTRAINT endpoint_minute_once UNIQUE (process_id, model, tag, minute);
CREATE INDEX endpoint_minutes ON gateway_endpointminute (minute);
CREATE INDEX endpoint_minutes_of_model ON gateway_endpointminute (model, minute);
"""


def indexes() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexdef FROM pg_indexes WHERE tablename = ANY(%s)", [[*partitions.COLUMNS]])
        return {definition for (definition,) in cursor.fetchall()}


@pytest.mark.django_db(transaction=True)
def test_tables_are_partitioned_while_requests_settle(account):
    expected = indexes()
    with connection.cursor() as cursor:
        for table in partitions.COLUMNS:
            cursor.execute(UNPARTITION.format(table=table))
        cursor.execute(INDEXES)
    opinion = make_request(account)
    Feedback.give(opinion, "good", "", "")
    EndpointMinute.objects.create(process_id="x", model="acme/one", tag="a", minute=utc_now())
    stop, started, results = threading.Event(), threading.Event(), []

    def settle_on() -> None:
        try:
            while not stop.is_set() and len(results) < 10_000:
                number = len(results)
                admit(account, number, requested=10)
                results.append(settle(account, number, cost="0.000001", model="acme/one").cost)
                if number == 20:
                    started.set()
        except Exception as error:
            results.append(error)
        finally:
            started.set()
            connections.close_all()

    writer = threading.Thread(target=settle_on)
    writer.start()
    assert started.wait(60)
    migration = importlib.import_module("gateway.migrations.0002_partitions")
    with connection.schema_editor(atomic=False) as editor:
        migration.partition(apps, editor)
        before = len(results)
        migration.partition(apps, editor)  # again: nothing left to do
    partitions.make_ahead()
    stop.set()
    writer.join()
    assert before >= 20
    assert set(results) == {1_000_000}
    assert Generation.objects.count() == len(results) + 1
    assert {each.replace("ON ONLY", "ON") for each in indexes()} == {e.replace("ON ONLY", "ON") for e in expected}
    assert Feedback.objects.get().generation == opinion
    assert reconciliation.faults() == []
    assert EndpointMinute.objects.create(process_id="x", model="acme/one", tag="b", minute=utc_now()).pk > 1
