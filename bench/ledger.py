"""`make bench-ledger`: how many requests a second PostgreSQL can hold credits for and charge.

A pair is one admission and one settlement through the gateway's own code, with everything that they write.
Measured on one hot account from one process, on 1,000 accounts from two, and beside both the way one would
write first ("locking": two transactions, each beginning with SELECT FOR UPDATE), in turns within one run.
At the end every invariant of the ledger is proved.

BENCH_POSTGRESQL names the server, BENCH_SECONDS the length of one measurement, BENCH_ROUNDS how many there are
of each, BENCH_CLIENTS how many requests each process has open at a time, BENCH_ACCOUNTS how many accounts.
"""

import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import msgspec
import psycopg
from psycopg import sql

from scripts.environment import ROOT

POSTGRESQL = os.environ.get("BENCH_POSTGRESQL", "postgres://postgres@127.0.0.1:5432/postgres")
SECONDS = float(os.environ.get("BENCH_SECONDS", "5"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
CLIENTS = int(os.environ.get("BENCH_CLIENTS", "16"))
ACCOUNTS = int(os.environ.get("BENCH_ACCOUNTS", "1000"))
#: For the processes to start and to warm up before the clock runs.
WARM_UP_S = 4


@dataclass(frozen=True)
class Result:
    """Pairs that ended within the window; times in milliseconds. CPU is that of our processes, not the database's."""

    pairs: float  # a second
    p50: float
    p95: float
    cpu_ms: float  # for one pair
    mb: float


@contextmanager
def database() -> Iterator[dict[str, str]]:
    """The environment of a process that uses a fresh database with all tables."""
    name = f"bench_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(POSTGRESQL, autocommit=True) as server, tempfile.TemporaryDirectory() as data:
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        env = os.environ | {
            "DATABASE_URL": re.sub(r"/[^/]*$", f"/{name}", POSTGRESQL),
            "REDIS_URL": "",
            "DATA_DIR": data,
            "LOG_LEVEL": "WARNING",
            "DJANGO_SETTINGS_MODULE": "openrouter_site.settings",
        }
        try:
            run(env, "manage.py", "migrate", "--verbosity", "0")
            yield env
        finally:
            server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def run(env: dict[str, str], *arguments: str) -> str:
    ended = subprocess.run([sys.executable, *arguments], env=env, cwd=ROOT, capture_output=True, text=True)
    if ended.returncode:
        sys.exit(f"{' '.join(arguments[:2])} failed:\n{ended.stdout}{ended.stderr}")
    return ended.stdout


MAKE_ACCOUNTS = """
from accounts.models import Organisation
from billing import spending
from billing.credits import ledger
from billing.models import LedgerEntry
from common.money import PICO_PER_USD, PicoUsd
from django.db import transaction
from keys import issuing
import json
with transaction.atomic():
    made = []
    for number in range({accounts}):
        organisation = Organisation.objects.create(name=f"Bench {{number}}")
        account = spending.account_of(organisation)
        ledger.add(
            account, PicoUsd(1_000_000 * PICO_PER_USD), kind=LedgerEntry.Kind.GRANT, reference=f"bench:{{number}}"
        )
        made.append((account.pk, issuing.create(organisation, None, "bench")[0].pk))
print(json.dumps(made))
"""


def measure(env: dict[str, str], way: str, accounts: list[list[int]], processes: int, clients: int) -> Result:
    begins = time.time() + WARM_UP_S
    task = {"way": way, "accounts": accounts, "clients": clients, "begins": begins, "seconds": SECONDS}
    command = [sys.executable, "-m", "bench.pairs", msgspec.json.encode(task).decode()]
    with ExitStack() as stack:  # files, because a report is longer than a pipe holds
        files = [stack.enter_context(tempfile.TemporaryFile("w+")) for _ in range(processes)]
        started = [subprocess.Popen(command, env=env, cwd=ROOT, stdout=file) for file in files]
        codes = [process.wait() for process in started]
        if any(codes):
            sys.exit(f"{way} failed.")
        for file in files:
            file.seek(0)
        reports = [json.load(file) for file in files]
    times = [each for report in reports for each in report["times"]]
    quantiles = statistics.quantiles(times, n=100)
    return Result(
        pairs=len(times) / SECONDS,
        p50=1000 * quantiles[49],
        p95=1000 * quantiles[94],
        cpu_ms=1000 * sum(report["cpu"] for report in reports) / len(times),
        mb=max(report["mb"] for report in reports),
    )


HEADINGS = f"{'':<28} {'':<8} {'clients':>7} {'pairs/s':>8}  {'p50 ms':>7} {'p95':>7}  {'CPU ms':>7} {'MB':>5}"


def row(load: str, way: str, clients: str, result: Result) -> str:
    times = f"{result.p50:>7.1f} {result.p95:>7.1f}"
    return f"{load:<28} {way:<8} {clients:>7} {result.pairs:>8.0f}  {times}  {result.cpu_ms:>7.3f} {result.mb:>5.0f}"


def main() -> None:
    with database() as env:
        accounts = json.loads(
            run(env, "manage.py", "shell", "--no-imports", "-c", MAKE_ACCOUNTS.format(accounts=ACCOUNTS))
        )
        loads = {"1 account, 1 process": (accounts[:1], 1), f"{ACCOUNTS:,} accounts, 2 processes": (accounts, 2)}
        found: dict[tuple[str, str], list[Result]] = {}
        print(HEADINGS)
        for _ in range(ROUNDS):
            for load, (of, processes) in loads.items():
                for way in ("gateway", "locking"):
                    result = measure(env, way, of, processes, CLIENTS)
                    found.setdefault((load, way), []).append(result)
                    print(row(load, way, f"{processes} x {CLIENTS}", result), flush=True)
        print("\nMedian of the rounds:")
        for load in loads:
            ours, theirs = ([each.pairs for each in found[load, way]] for way in ("gateway", "locking"))
            ratio = statistics.median(a / b for a, b in zip(ours, theirs, strict=True))
            print(f"{load}: {statistics.median(ours):.0f} pairs/s, {ratio:.1f} times the way with locks")
        print(run(env, "manage.py", "reconcile_ledger").strip())


if __name__ == "__main__":
    main()
