"""Fills a database with the requests of `activity_rows.py`, as settlement and the clock would have.

Each month is a transaction of its own, on as many processes as there are cores: a new table takes the month's requests
by COPY, then it gets its indexes, its hours, days and months are added up from it, and it becomes a partition.
"""

import json
import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise

import psycopg
from psycopg import sql

from bench.database import database, run
from common.clock import months_after
from scripts import servers
from scripts.environment import ROOT

from .activity_rows import CONSTANT, GIVEN, LARGE, Account, Requests
from .activity_sums import ADD_UP_HOURS, DAYS, GENERATIONS, HOURS, MONTHS, add_up

__all__ = ["filled", "server"]

ACCOUNTS = 1000
#: The hour at which the pages are loaded, so that today and this month have begun, whenever the benchmark runs.
HOUR = 20
#: A folder outside the repository that keeps the server and its databases for the next run.
DATA = os.environ.get("BENCH_DATA", "")

#: The first two lines are about loading, the last is about reading. Nothing is vacuumed while pages are timed.
SERVER_SETTINGS = {
    "wal_level": "minimal", "max_wal_senders": "0", "max_wal_size": "16GB", "checkpoint_timeout": "1h",
    "synchronous_commit": "off", "full_page_writes": "off", "autovacuum": "off",
    "shared_buffers": "1GB", "effective_cache_size": "8GB", "random_page_cost": "1.1",
}  # fmt: skip
#: Of a session that fills. Without foreign keys, because the accounts exist; on one core, because each has its month.
FILL_SETTINGS = {
    "session_replication_role": "replica", "work_mem": "512MB", "maintenance_work_mem": "512MB",
    "temp_buffers": "256MB", "jit": "off", "max_parallel_workers_per_gather": "0",
    "max_parallel_maintenance_workers": "0",
}  # fmt: skip

MAKE_ACCOUNTS = f"""
import json
from accounts import access
from accounts.models import User
from billing import spending
from django.conf import settings
from keys import issuing
settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
made = []
for number in range({ACCOUNTS}):
    user = User.objects.create_user(f"bench{{number}}@example.com", "x")
    user.emailaddress_set.create(email=user.email, verified=True, primary=True)
    access.open_personal_organisation(user)
    organisation = user.personal_organisation
    keys = [issuing.create(organisation, user, f"Key {{each}}")[0].pk for each in range(2 if number else 60)]
    made.append((spending.account_of(organisation).pk, user.pk, keys))
print(json.dumps(made))
"""

#: The tables that are divided by month, each with the column of its time.
PARTITIONED = {GENERATIONS: "created_at", HOURS: "hour"}
#: The constraints of the others that are made when all rows are there.
LATER = {DAYS: "usage_day_once", MONTHS: "usage_month_once"}


@contextmanager
def server() -> Iterator[str]:
    """Run the server of BENCH_DATA, or a new one. Yield its URL, or that of BENCH_POSTGRESQL."""
    if given := os.environ.get("BENCH_POSTGRESQL"):
        yield given
        return
    if DATA and os.path.commonpath([ROOT, os.path.abspath(DATA)]) == str(ROOT):
        sys.exit("BENCH_DATA names a folder in the repository. Choose one outside.")
    with servers.own_postgresql(kept_in=DATA) as own:
        with psycopg.connect(own.url, autocommit=True) as connection:
            for name, value in SERVER_SETTINGS.items():
                connection.execute(sql.SQL("ALTER SYSTEM SET {} = {}").format(sql.Identifier(name), sql.Literal(value)))
        own.stop()
        own.start()
        yield own.url


@contextmanager
def filled(server: str, number: int) -> Iterator[dict[str, str]]:
    """Yield the environment of a process that uses a database with that many requests. BENCH_NOW is their end."""
    with database(server, kept_as=f"bench_{number}_{LARGE}" if DATA else "") as env:
        with psycopg.connect(env["DATABASE_URL"], autocommit=True) as connection:
            now = _comment(connection)
            if not now:
                now = _last_hour().isoformat()
                _fill(connection, env, number, datetime.fromisoformat(now))
                name = sql.Identifier(connection.info.dbname)
                connection.execute(sql.SQL("COMMENT ON DATABASE {} IS {}").format(name, sql.Literal(now)))
                connection.execute("CHECKPOINT")  # the server is stopped as by a crash
        yield env | {"BENCH_NOW": now}


def _comment(database: psycopg.Connection) -> str:
    """Return the comment of a database that is complete: the end of its requests."""
    query = "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = current_database()"
    return (database.execute(query).fetchone() or [""])[0] or ""


def _last_hour() -> datetime:
    now = datetime.now(UTC)
    return now.replace(hour=HOUR, minute=0, second=0, microsecond=0) - timedelta(days=now.hour < HOUR)


def _fill(database: psycopg.Connection, env: dict[str, str], number: int, now: datetime) -> None:
    began = time.monotonic()
    accounts: list[Account] = json.loads(run(env, "manage.py", "shell", "--no-imports", "-c", MAKE_ACCOUNTS))
    _say(began, "accounts made")
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    execute = database.execute
    execute(f"TRUNCATE {GENERATIONS} CASCADE")
    definitions = {table: _definition(database, table, name) for table, name in LATER.items()}
    for table, name in LATER.items():
        execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
    for column, value in CONSTANT.items():
        execute(
            sql.SQL("ALTER TABLE {} ALTER COLUMN {} SET DEFAULT {}").format(
                sql.Identifier(GENERATIONS), sql.Identifier(column), sql.Literal(value)
            )
        )
    starts = [months_after(today.replace(day=1), each) for each in range(-12, 2)]
    for table in PARTITIONED:
        _divide(database, table, starts)
    with ProcessPoolExecutor() as processes:
        month = partial(_fill_month, env["DATABASE_URL"], Requests(number, accounts, now), today)
        for copied, start in zip(processes.map(month, *zip(*pairwise(starts), strict=True)), starts, strict=False):
            _say(began, f"{start:%Y-%m}: {copied}")
    _settings(database, FILL_SETTINGS | {"max_parallel_maintenance_workers": "2"})
    for table, name in LATER.items():
        execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} {definitions[table]}")
    _say(began, "days and months indexed")
    execute(f"INSERT INTO gateway_usagerollup SELECT id, '{today.isoformat()}' FROM billing_creditaccount")
    execute("UPDATE billing_creditaccount SET credits = 1000000000000000000")
    for table, owner in (("billing_creditaccount", "account_id"), ("keys_apikey", "key_id")):
        execute(
            f"UPDATE {table} SET usage = sums.cost FROM (SELECT {owner} AS owner, sum(cost) AS cost FROM {HOURS} "
            "GROUP BY 1) AS sums WHERE id = sums.owner"
        )
    _check(database, number, today)
    execute("VACUUM (ANALYZE)")
    counts = ", ".join(
        f"{_one(database, f'SELECT count(*) FROM {table}'):,} {table}" for table in (HOURS, DAYS, MONTHS)
    )
    _say(began, f"{number:,} requests, {counts}")


def _divide(database: psycopg.Connection, table: str, starts: list[datetime]) -> None:
    """Leave an empty table the partitions before and after its months."""
    parts = database.execute("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = %s::regclass", [table])
    for (name,) in parts.fetchall():
        database.execute(f"DROP TABLE {name}")
    for name, edges in (
        (f"until_{starts[0]:%Y_%m}", f"(MINVALUE) TO ('{starts[0].isoformat()}')"),
        ("rest", f"('{starts[-1].isoformat()}') TO (MAXVALUE)"),
    ):
        database.execute(f"CREATE TABLE {table}_{name} PARTITION OF {table} FOR VALUES FROM {edges}")


def _fill_month(url: str, requests: Requests, today: datetime, start: datetime, end: datetime) -> str:
    """Fill the partitions of a month and what is added up from them. Return how long the steps took."""
    marks = [time.monotonic()]
    parts = {table: f"{table}_{start:%Y_%m}" for table in PARTITIONED}
    with psycopg.connect(url) as database:
        execute = database.execute
        _settings(database, FILL_SETTINGS)
        for table, column in PARTITIONED.items():
            execute(f"CREATE TABLE {parts[table]} (LIKE {table} INCLUDING DEFAULTS INCLUDING CONSTRAINTS)")
            inside = f"{column} >= '{start.isoformat()}' AND {column} < '{end.isoformat()}'"
            execute(f"ALTER TABLE {parts[table]} ADD CONSTRAINT inside CHECK ({inside})")  # or attaching reads it all
        with database.cursor().copy(f"COPY {parts[GENERATIONS]} ({', '.join(GIVEN)}) FROM STDIN (FREEZE)") as copy:
            for lines in requests.lines(start, end):
                copy.write(lines)
        marks.append(time.monotonic())
        execute(ADD_UP_HOURS.format(hours=parts[HOURS], generations=parts[GENERATIONS]))
        marks.append(time.monotonic())
        for statement in add_up(DAYS, "day", parts[HOURS], "hour", today):
            execute(statement)
        if end <= today:
            inside = f"kept IN ('all', 'only') AND day >= '{start.isoformat()}'"
            for statement in add_up(MONTHS, "month", DAYS, "day", end, inside):
                execute(statement)
        marks.append(time.monotonic())
        for table, part in parts.items():
            _index(database, table, part)
            edges = f"FROM ('{start.isoformat()}') TO ('{end.isoformat()}')"
            execute(f"ALTER TABLE {table} ATTACH PARTITION {part} FOR VALUES {edges}")
            execute(f"ALTER TABLE {part} DROP CONSTRAINT inside")
    marks.append(time.monotonic())
    names = ("copied", "hours", "days", "indexes")
    return ", ".join(
        f"{name} {after - before:.1f} s" for name, (before, after) in zip(names, pairwise(marks), strict=True)
    )


def _index(database: psycopg.Connection, table: str, part: str) -> None:
    """Give a table the keys and indexes of the one whose partition it becomes."""
    keys = database.execute(
        "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE contype IN ('p', 'u') AND conrelid = %s::regclass",
        [table],
    )
    for (definition,) in keys.fetchall():
        database.execute(f"ALTER TABLE {part} ADD {definition}")
    indexes = database.execute(
        "SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = %s::regclass "
        "AND indexrelid NOT IN (SELECT conindid FROM pg_constraint)",
        [table],
    )
    for (definition,) in indexes.fetchall():
        _, _, using = definition.partition(" USING ")
        database.execute(f"CREATE INDEX ON {part} USING {using}")


def _definition(database: psycopg.Connection, table: str, name: str) -> str:
    query = "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = %s::regclass AND conname = %s"
    ((definition,),) = database.execute(query, [table, name]).fetchall()
    return str(definition)


def _check(database: psycopg.Connection, number: int, today: datetime) -> None:
    """Exit if days that are over and the hours of today are not the accounts' usage, or requests are missing."""
    sums = database.execute(
        f"""SELECT (SELECT sum(usage) FROM billing_creditaccount),
        (SELECT sum(cost) FROM {GENERATIONS}),
        (SELECT sum(cost) FROM {DAYS} WHERE kept IN ('all', 'only'))
        + (SELECT coalesce(sum(cost), 0) FROM {HOURS} WHERE hour >= '{today.isoformat()}')"""
    ).fetchone()
    if sums is None or len(set(sums)) != 1:
        sys.exit(f"The sums disagree: {sums}")
    if (count := _one(database, f"SELECT sum(requests) FROM {HOURS}")) != number:
        sys.exit(f"{count} requests were filled.")


def _one(database: psycopg.Connection, query: str) -> int:
    ((value,),) = database.execute(query).fetchall()
    return int(value)


def _settings(database: psycopg.Connection, settings: dict[str, str]) -> None:
    for name, value in settings.items():
        database.execute("SELECT set_config(%s, %s, false)", [name, value])


def _say(began: float, text: str) -> None:
    print(f"{time.monotonic() - began:6.0f} s  {text}", file=sys.stderr, flush=True)
