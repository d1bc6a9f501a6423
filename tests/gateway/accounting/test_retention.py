"""Requests that are no longer kept: everything adds up without them."""

import csv
import errno
import gzip
import io
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.http import QueryDict

from activity import usage
from activity.filters import filter_from
from billing.credits import reconciliation
from common.clock import utc_now
from common.telemetry.jobs import JobFailed
from gateway.accounting import deletion, exported, partitions, retention
from gateway.accounting.rollups import roll_up
from gateway.models import DroppedRequests, Feedback, Generation, StoredContent
from keys import issuing
from keys.models import ApiKey
from tests.activity.factory import make_request
from tests.gateway.accounting.test_settlement import admit, settle

pytestmark = pytest.mark.django_db
on_postgresql = pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no partitions")

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
#: Months ago -> how many requests.
HISTORY = {0: 3, 1: 2, 2: 4, 5: 3}


@pytest.fixture
def history(clock, account, organisation, alice, settings):
    """Settled requests of several months, whose old months have partitions of their own."""
    settings.KEEP_REQUESTS_MONTHS = 1
    clock.set(NOW - timedelta(days=170))
    partitions.make_ahead()
    key, _ = issuing.create(organisation, alice, "App")
    number = 0
    for months, count in sorted(HISTORY.items(), reverse=True):
        clock.set(NOW - timedelta(days=30 * months))
        partitions.make_ahead()
        for _ in range(count):
            number += 1
            admit(account, number, key_id=key.pk, created_at=utc_now(), requested=10)
            settle(account, number, key_id=key.pk, created_at=utc_now(), cost="0.000123456789", model="acme/one")
    clock.set(NOW)
    roll_up(most=1000)
    account.refresh_from_db()
    return account


def sums(account, organisation) -> tuple[int, ...]:
    view = filter_from(QueryDict("period=all"), organisation, NOW)
    total = usage.report(view).total
    return account.usage, total.cost, total.requests, sum(ApiKey.objects.values_list("usage", flat=True))


def test_old_months_go_and_every_sum_stays(history, organisation):
    assert reconciliation.faults() == []
    before = sums(history, organisation)
    oldest, newest = Generation.objects.order_by("created_at").first(), Generation.objects.order_by("created_at").last()
    for each in (oldest, newest):
        Feedback.give(each, "good", "", "")
        StoredContent.objects.create(generation=each, account=history, created_at=each.created_at, sealed=b"sealed")
    assert retention.drop_old() == HISTORY[2] + HISTORY[5]
    assert Generation.objects.count() == HISTORY[0] + HISTORY[1]
    assert sums(history, organisation) == before
    assert reconciliation.faults() == []
    assert [each.generation_id for each in Feedback.objects.all()] == [newest.pk]
    assert [each.generation_id for each in StoredContent.objects.all()] == [newest.pk]
    assert sum(DroppedRequests.objects.values_list("requests", flat=True)) == HISTORY[2] + HISTORY[5]
    assert retention.drop_old() == 0
    DroppedRequests.objects.update(cost=0)
    assert reconciliation.faults()


def test_everything_is_kept_unless_the_operator_says_otherwise(history, settings):
    settings.KEEP_REQUESTS_MONTHS = 0
    assert retention.drop_old() == 0
    assert Generation.objects.count() == sum(HISTORY.values())


def test_a_request_of_a_dropped_month_still_finds_a_place_and_its_bill(history):
    retention.drop_old()
    late = NOW - timedelta(days=150)
    admit(history, 900, created_at=late, requested=10)
    first = settle(history, 900, created_at=late, cost="0.0005", model="acme/one")
    assert settle(history, 900, created_at=late, cost="0.0005", model="acme/one") == first
    assert reconciliation.faults() == []
    assert retention.drop_old() == 1
    assert reconciliation.faults() == []


def test_sqlite_deletes_in_batches_without_losing_a_sum(history, organisation, monkeypatch):
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL drops partitions")
    monkeypatch.setattr(retention, "BATCH", 2)
    before = sums(history, organisation)
    assert retention.drop_old() == HISTORY[2] + HISTORY[5]
    assert sums(history, organisation) == before
    assert reconciliation.faults() == []


@on_postgresql
def test_requests_are_exported_before_they_go(history, settings, tmp_path):
    settings.EXPORT_DIR = str(tmp_path)
    gone = set(Generation.objects.filter(created_at__lt=retention.limit()).values_list("pk", flat=True))
    assert retention.drop_old() == len(gone)
    exported = [path for path in tmp_path.iterdir() if path.name.endswith(".csv.gz")]
    texts = [gzip.decompress(path.read_bytes()).decode() for path in exported]
    rows = [row for text in texts for row in csv.DictReader(io.StringIO(text))]
    assert {row["id"] for row in rows} == gone
    assert {row["cost"] for row in rows} == {"123456789"}


@on_postgresql
def test_what_cannot_be_exported_is_kept(history, settings, tmp_path):
    settings.EXPORT_DIR = str(tmp_path / "missing")
    with pytest.raises(JobFailed, match=r"could not be exported: \[Errno 2\]"):
        retention.drop_old()
    assert Generation.objects.count() == sum(HISTORY.values())
    assert not DroppedRequests.objects.exists()
    with pytest.raises(CommandError, match="could not be exported"):
        call_command("partitions", "--apply", stdout=io.StringIO())
    assert reconciliation.faults() == []


@on_postgresql
def test_a_full_disk_keeps_the_requests_and_is_left_as_it_was(history, settings, tmp_path, monkeypatch):
    settings.EXPORT_DIR = str(tmp_path)
    write, files = retention._write, []

    def fill_up(cursor, partition, path) -> None:
        write(cursor, partition, path)
        files.append(partition.name)
        if len(files) == len(retention.old_partitions()):  # the others are complete
            raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(retention, "_write", fill_up)
        with pytest.raises(JobFailed, match=r"could not be exported: \[Errno 28\]"):
            retention.drop_old()
    assert len(files) > 1 and [*tmp_path.iterdir()] == []
    assert Generation.objects.count() == sum(HISTORY.values())
    assert reconciliation.faults() == []
    assert retention.drop_old() == HISTORY[2] + HISTORY[5]


def test_a_full_disk_leaves_an_export_as_it_was_when_an_account_is_cleared_from_it(settings, tmp_path, monkeypatch):
    settings.EXPORT_DIR = str(tmp_path)
    path = tmp_path / "gateway_generation_2026_01.csv.gz"
    path.write_bytes(before := gzip.compress(b"id,account_id,model,requested_model,app\n1,7,m,m,An app\n"))

    def fill_up(*_) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched, pytest.raises(OSError, match="No space"):
        patched.setattr(exported.os, "fsync", fill_up)
        deletion._clear_exports([7])
    assert path.read_bytes() == before and [*tmp_path.iterdir()] == [path]
    deletion._clear_exports([7])
    assert gzip.decompress(path.read_bytes()) == b"id,account_id,model,requested_model,app\n1,7,m,m,\n"
    assert [*tmp_path.iterdir()] == [path]


@on_postgresql
def test_a_second_worker_with_the_task_leaves_it_to_the_first(history, settings, tmp_path, caplog):
    settings.EXPORT_DIR = str(tmp_path)
    names = {"NAME": "dbname", "USER": "user", "PASSWORD": "password", "HOST": "host", "PORT": "port"}
    address = {libpq: connection.settings_dict[django] or None for django, libpq in names.items()}
    with psycopg.connect(**address) as first:
        first.execute("SELECT pg_advisory_xact_lock(hashtext('drop gateway_generation'))")
        assert retention.drop_old() == 0
        assert "another worker is dropping them" in caplog.text and [*tmp_path.iterdir()] == []
        first.rollback()
        assert retention.drop_old() == HISTORY[2] + HISTORY[5]


@on_postgresql
def test_an_export_of_a_late_request_replaces_no_file(history, settings, tmp_path):
    settings.EXPORT_DIR = str(tmp_path)
    retention.drop_old()
    names = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    for number in (900, 901):
        late = NOW - timedelta(days=150)
        admit(history, number, created_at=late, requested=10)
        settle(history, number, created_at=late, cost="0.0005", model="acme/one")
        assert retention.drop_old() == 1
    for name, content in names.items():
        assert (tmp_path / name).read_bytes() == content
    rows = [gzip.decompress(path.read_bytes()).count(b"\n") - 1 for path in tmp_path.iterdir()]
    assert sum(rows) == HISTORY[2] + HISTORY[5] + 2


@on_postgresql
def test_a_month_that_is_written_to_meanwhile_is_kept(history, organisation, monkeypatch, caplog):
    before = sums(history, organisation)
    monkeypatch.setattr(retention, "_export", lambda *_: make_request(history, at=NOW - timedelta(days=150), cost=0))
    assert retention.drop_old() == 0
    assert "was written to meanwhile" in caplog.text
    assert Generation.objects.count() == sum(HISTORY.values())
    assert not DroppedRequests.objects.exists()
    assert sums(history, organisation) == before


@on_postgresql
def test_the_command_lists_partitions_and_drops(history, capsys):
    call_command("partitions")
    listed = capsys.readouterr().out
    assert "gateway_generation_rest" in listed and "not kept" in listed
    call_command("partitions", "--apply")
    assert f"Dropped {HISTORY[2] + HISTORY[5]} requests." in capsys.readouterr().out
    call_command("partitions")
    assert make_request(history, at=NOW - timedelta(days=4000)).pk
