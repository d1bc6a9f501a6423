"""`make bench-activity`: the pages of usage with 100,000 requests and with 10 million.

Fills a PostgreSQL server of its own by COPY, as settlement and the clock would have: a year of requests of 1,000
accounts, a tenth of them of one account with many keys, members, apps and models. Then it loads the pages of that
account and prints p50, p95 and the CPU time (of the page's process and PostgreSQL's, the least of the rounds) at both
sizes, and their ratios.

BENCH_GENERATIONS is the larger number (the smaller is a hundredth of it), BENCH_LARGE the share of the account whose
pages are loaded (1: only its requests, which are filled in a tenth of the time), BENCH_LOADS how often each page is
loaded, BENCH_POSTGRESQL a running server to use instead.
"""

import json
import os
import random
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import psycopg
from psycopg import sql

from bench.database import database, run
from common.clock import months_after
from scripts import servers

GENERATIONS = int(os.environ.get("BENCH_GENERATIONS", "10_000_000"))
LOADS = int(os.environ.get("BENCH_LOADS", "40"))
ROUNDS = 4
ACCOUNTS = 1000
DAYS = 365
#: The share of the large account.
LARGE = float(os.environ.get("BENCH_LARGE", "0.1"))

#: For a server that is thrown away. The first line is about loading, the second about reading.
SERVER_SETTINGS = {
    "wal_level": "minimal", "max_wal_senders": "0", "max_wal_size": "16GB", "maintenance_work_mem": "1GB",
    "shared_buffers": "1GB", "effective_cache_size": "8GB", "random_page_cost": "1.1",
}  # fmt: skip

MAKE_ACCOUNTS = f"""
import json
from accounts import access
from accounts.models import User
from billing import spending
from common.money import PICO_PER_USD
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

_GIVEN = (
    "id", "created_at", "settled_at", "account_id", "key_id", "user_id", "source", "app", "requested_model", "model",
    "provider", "endpoint", "prompt_tokens", "completion_tokens", "cached_tokens", "cost", "hold", "latency_ms",
    "duration_ms", "upstream_latency_ms",
)  # fmt: skip
_CONSTANT = {
    "streamed": "true", "app_title": "", "user_agent": "bench/1", "external_user": "", "session_id": "",
    "preset_version_id": "0", "state": "settled", "reason": "balanced by price", "simulated": "true",
    "provider_key_id": "0", "upstream_id": "chatcmpl-1234567890", "cancelled": "false", "finish_reason": "stop",
    "native_finish_reason": "stop", "failed_attempts": "[]", "reasoning_tokens": "0", "cache_write_tokens": "0",
    "cache_write_1h_tokens": "0", "token_source": "provider", "write_off": "0",
    "price": '{"prompt": "0.00000015", "completion": "0.0000006"}', "discount_basis_points": "0", "images": "0",
    "api_type": "completions", "search_units": "0", "web_search_engine": "", "web_search_results": "0",
    "response_cache_source_id": "",
}  # fmt: skip

#: The tables that are divided by month.
PARTITIONED = ("gateway_generation", "gateway_usagehour")

_DIMENSIONS = "key_id, user_id, model, provider, app, source"
_SUMS = (
    "requests, failures, prompt_tokens, completion_tokens, reasoning_tokens, cached_tokens, cost, latency_ms, "
    "duration_ms"
)
_ADDED = ", ".join(f"sum({name})::bigint AS {name}" for name in _SUMS.split(", "))

ADD_UP_HOURS = f"""
INSERT INTO gateway_usagehour (account_id, hour, {_DIMENSIONS}, {_SUMS})
SELECT
    account_id, date_trunc('hour', created_at), coalesce(key_id, 0), coalesce(user_id, 0), model, provider, app, source,
    count(*), 0, sum(prompt_tokens), sum(completion_tokens), 0, sum(cached_tokens), sum(cost), sum(latency_ms),
    sum(duration_ms)
FROM gateway_generation GROUP BY 1, 2, 3, 4, 5, 6, 7, 8 ORDER BY 2, 1
"""


def _add_up(table: str, column: str, parts: str, part: str, where: str) -> list[str]:
    """Return the statements that do what the clock does, for all accounts at once."""
    by_one = ", ".join(f"(account_id, start, {name})" for name in _DIMENSIONS.split(", "))
    values = ", ".join(
        f"coalesce({name}, {0 if name.endswith('_id') else repr('')})" for name in _DIMENSIONS.split(", ")
    )
    kept = " ".join(f"WHEN grouping({name}) = 0 THEN '{name}'" for name in _DIMENSIONS.split(", "))
    columns = f"(account_id, {column}, kept, {_DIMENSIONS}, {_SUMS})"
    return [
        "DROP TABLE IF EXISTS wide",
        f"""
        CREATE TEMP TABLE wide AS
        SELECT *, count(*) OVER (PARTITION BY account_id, start) AS rows FROM (
            SELECT account_id, date_trunc('{column}', {part}) AS start, {_DIMENSIONS},
            {_ADDED} FROM {parts} WHERE {where} GROUP BY 1, 2, {_DIMENSIONS}
        ) AS added""",
        f"""
        INSERT INTO {table} {columns}
        SELECT account_id, start, CASE WHEN rows >= 50 THEN 'all' ELSE 'only' END, {_DIMENSIONS}, {_SUMS} FROM wide
        ORDER BY start, account_id, {_DIMENSIONS}""",
        f"""
        INSERT INTO {table} {columns}
        SELECT account_id, start, CASE {kept} END, {values}, {_ADDED} FROM wide WHERE rows >= 50
        GROUP BY GROUPING SETS ({by_one})""",
    ]


def main() -> None:
    sizes = (GENERATIONS // 100, GENERATIONS)
    with _server() as url, ExitStack() as stack:
        databases = {number: stack.enter_context(_filled(url, number)) for number in sizes}
        found: dict[int, dict[str, Times]] = {number: {} for number in sizes}
        for _ in range(ROUNDS):  # by turns, because the machine has other work
            for number, env in databases.items():
                for page, (times, cpu) in json.loads(
                    run(env, "-m", "bench.pages.activity_pages", str(LOADS // ROUNDS))
                ).items():
                    found[number].setdefault(page, Times()).add(times, cpu)
    _print(*sizes, *found.values())


@dataclass
class Times:
    """The times of one page's loads in milliseconds, and the CPU time of a load in each round."""

    loads: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    def add(self, times: list[float], cpu: float) -> None:
        self.loads += times
        self.cpu.append(cpu)

    def __str__(self) -> str:
        return f"{self.p50:>8.1f} {statistics.quantiles(self.loads, n=20)[18]:>7.1f} {self.least_cpu:>7.1f}"

    @property
    def p50(self) -> float:
        return statistics.median(self.loads)

    @property
    def least_cpu(self) -> float:
        return min(self.cpu)


def _print(few: int, many: int, small: dict[str, Times], large: dict[str, Times]) -> None:
    print(f"\n{'':<40} {f'{few:,} requests':>24}  {f'{many:,} requests':>24} {'ratio of':>9}")
    columns = f"{'p50 ms':>8} {'p95':>7} {'CPU':>7}"
    print(f"{'':<40} {columns}  {columns} {'p50':>9} {'CPU':>5}")
    for page, times in large.items():
        before = small[page]
        ratios = f"{times.p50 / before.p50:>9.2f} {times.least_cpu / before.least_cpu:>5.2f}"
        print(f"{page:<40} {before}  {times} {ratios}")


@contextmanager
def _server() -> Iterator[str]:
    if given := os.environ.get("BENCH_POSTGRESQL"):
        yield given
        return
    with servers.own_postgresql() as server:
        with psycopg.connect(server.url, autocommit=True) as connection:
            for name, value in SERVER_SETTINGS.items():
                connection.execute(sql.SQL("ALTER SYSTEM SET {} = {}").format(sql.Identifier(name), sql.Literal(value)))
        server.stop()
        server.start()
        yield server.url


@contextmanager
def _filled(server: str, number: int) -> Iterator[dict[str, str]]:
    """The environment of a process that uses a new database with that many requests."""
    with database(server) as env:
        accounts = json.loads(run(env, "manage.py", "shell", "--no-imports", "-c", MAKE_ACCOUNTS))
        with psycopg.connect(env["DATABASE_URL"]) as connection:
            _fill(connection, number, accounts)
        yield env


def _fill(database: psycopg.Connection, number: int, accounts: list[tuple[int, int, list[int]]]) -> None:
    began = time.monotonic()
    now = datetime.now(UTC)
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    execute = database.execute
    execute("SET session_replication_role = replica")  # without foreign keys: the accounts exist
    execute("SET work_mem = '512MB'")
    execute("DROP INDEX generations_of_account, generations_of_key")
    execute("TRUNCATE gateway_generation CASCADE")
    for table in PARTITIONED:
        _partition(database, table, today)
    for column, value in _CONSTANT.items():
        execute(
            sql.SQL("ALTER TABLE gateway_generation ALTER COLUMN {} SET DEFAULT {}").format(
                sql.Identifier(column), sql.Literal(value)
            )
        )
    with database.cursor().copy(f"COPY gateway_generation ({', '.join(_GIVEN)}) FROM STDIN") as copy:
        for lines in _lines(number, accounts, now):
            copy.write(lines)
    _say(began, f"{number:,} requests copied")
    execute("CREATE INDEX generations_of_account ON gateway_generation (account_id, created_at DESC, id DESC)")
    execute("CREATE INDEX generations_of_key ON gateway_generation (key_id)")
    _say(began, "indexed")
    hours, days, months = (f"gateway_usage{unit}" for unit in ("hour", "day", "month"))
    execute(f"ALTER TABLE {hours} DROP CONSTRAINT usage_hour_once")
    execute(ADD_UP_HOURS)
    execute(f"ALTER TABLE {hours} ADD CONSTRAINT usage_hour_once UNIQUE (account_id, hour, {_DIMENSIONS})")
    _say(began, "added up by hour")
    for statement in (
        *_add_up(days, "day", hours, "hour", f"hour < '{today.isoformat()}'"),
        *_add_up(
            months, "month", days, "day", f"kept IN ('all', 'only') AND day < '{today.replace(day=1).isoformat()}'"
        ),
    ):
        execute(statement)
    execute(f"INSERT INTO gateway_usagerollup SELECT id, '{today.isoformat()}' FROM billing_creditaccount")
    execute("UPDATE billing_creditaccount SET credits = 1000000000000000000")
    for table, owner in (("billing_creditaccount", "account_id"), ("keys_apikey", "key_id")):
        execute(
            f"UPDATE {table} SET usage = sums.cost FROM (SELECT {owner} AS owner, sum(cost) AS cost FROM {hours} "
            "GROUP BY 1) AS sums WHERE id = sums.owner"
        )
    _check(database, today)
    database.commit()
    database.autocommit = True
    execute("VACUUM (ANALYZE)")
    counts = ", ".join(
        f"{(execute(f'SELECT count(*) FROM {table}').fetchone() or (0,))[0]:,} {unit}s"
        for unit, table in (("hour", hours), ("day", days), ("month", months))
    )
    _say(began, f"added up by day and month: {counts}")


def _partition(database: psycopg.Connection, table: str, today: datetime) -> None:
    """Divide an empty table by month, as a site that has run for a year has divided it."""
    parts = database.execute("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = %s::regclass", [table])
    for (name,) in parts.fetchall():
        database.execute(f"DROP TABLE {name}")
    starts = [months_after(today.replace(day=1), number) for number in range(-12, 3)]
    edges = ["MINVALUE", *(f"'{start.isoformat()}'" for start in starts), "MAXVALUE"]
    names = [f"until_{starts[0]:%Y_%m}", *(f"{start:%Y_%m}" for start in starts[:-1]), "rest"]
    for name, (start, end) in zip(names, pairwise(edges), strict=True):
        database.execute(f"CREATE TABLE {table}_{name} PARTITION OF {table} FOR VALUES FROM ({start}) TO ({end})")


def _check(database: psycopg.Connection, today: datetime) -> None:
    """The days that are over and the hours of today are the accounts' usage."""
    row = database.execute(
        f"""SELECT (SELECT sum(usage) FROM billing_creditaccount),
        (SELECT sum(cost) FROM gateway_usagehour),
        (SELECT sum(cost) FROM gateway_usageday WHERE kept IN ('all', 'only'))
        + (SELECT coalesce(sum(cost), 0) FROM gateway_usagehour WHERE hour >= '{today.isoformat()}')"""
    ).fetchone()
    if row is None or len(set(row)) != 1:
        sys.exit(f"The sums disagree: {row}")


def _lines(number: int, accounts: list[tuple[int, int, list[int]]], now: datetime) -> Iterator[str]:
    """Yield the lines of COPY, oldest first, some thousands at a time."""
    chance = random.Random(7)
    large = _combinations(chance, *accounts[0], apps=8, models=25, members=12)
    others = [_combinations(chance, *account, apps=2, models=4, members=1) for account in accounts[1:]]
    tails = [_tail(chance) for _ in range(2000)]
    start = (now - timedelta(days=DAYS)).timestamp()
    step = (now.timestamp() - start) / number
    every = round(1 / LARGE)
    for first in range(0, number, 20_000):
        lines = []
        for index in range(first, min(first + 20_000, number)):
            moment = start + index * step
            at = datetime.fromtimestamp(moment, UTC).isoformat()
            combinations, weights = large if index % every == 0 else others[index % len(others)]
            head = chance.choices(combinations, cum_weights=weights)[0]
            tail = tails[index % 2000]
            lines.append(f"gen-{int(moment)}-{index:020x}\t{at}\t{at}\t{head}\t{tail}\n")
        yield "".join(lines)


def _combinations(
    chance: random.Random, account: int, user: int, keys: list[int], *, apps: int, models: int, members: int
) -> tuple[list[str], list[float]]:
    """Return the values that one account's requests share, with the cumulative weights of a few that dominate."""
    found, weights, total = [], [], 0.0
    for rank, key in enumerate(keys, 1):
        used = chance.sample(range(models), min(models, 8))
        for app, (order, model), provider in (
            (app, each, provider) for app in range(2) for each in enumerate(used, 1) for provider in range(2)
        ):
            name, at = f"acme/model-{model}", f"provider-{(model + provider) % 10}"
            address = f"https://app-{(rank + app) % apps}.example.com/"
            member = user + rank % members
            found.append(f"{account}\t{key}\t{member}\tapi\t{address}\t{name}\t{name}\t{at}\t{at}")
            total += 1 / (rank * order * (1 + app) * (1 + provider))
            weights.append(total)
    if members == 1:  # a person who also chats
        found.append(f"{account}\t\\N\t{user}\tchat\t\tacme/model-0\tacme/model-0\tprovider-0\tprovider-0")
        weights.append(total * 1.1)
    return found, weights


def _tail(chance: random.Random) -> str:
    prompt, completion = int(chance.lognormvariate(6.8, 1.1)) + 8, int(chance.lognormvariate(5.6, 0.9)) + 3
    cost, latency = prompt * 150_000 + completion * 600_000, int(chance.lognormvariate(6.2, 0.5))
    cached = prompt // 2 if chance.random() < 0.3 else 0
    values = (prompt, completion, cached, cost, 3 * cost, latency, latency + completion * 12, latency)
    return "\t".join(map(str, values))


def _say(began: float, text: str) -> None:
    print(f"{time.monotonic() - began:6.0f} s  {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
