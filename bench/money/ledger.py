"""`make bench-ledger`: the requests per second that PostgreSQL can hold credits for and charge.

A pair is one admission and one settlement through the gateway's own code, with everything that they write. Measured on
one hot account from one process and on 1,000 accounts from two, each in turn with the obvious method ("locking": two
transactions, each beginning with SELECT FOR UPDATE). At the end every invariant of the ledger is checked.

BENCH_POSTGRESQL names the server, BENCH_SECONDS the length of one measurement, BENCH_ROUNDS the number of rounds,
BENCH_CLIENTS the open requests of each process, BENCH_ACCOUNTS the number of accounts.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass

import msgspec

from bench.database import database, run
from scripts.environment import ROOT

POSTGRESQL = os.environ.get("BENCH_POSTGRESQL", "postgres://postgres@127.0.0.1:5432/postgres")
SECONDS = float(os.environ.get("BENCH_SECONDS", "5"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
CLIENTS = int(os.environ.get("BENCH_CLIENTS", "16"))
ACCOUNTS = int(os.environ.get("BENCH_ACCOUNTS", "1000"))
#: Seconds for the processes to start and warm up before the measurement.
WARM_UP_S = 4


@dataclass(frozen=True)
class Result:
    """Pairs that ended within the window; times in milliseconds. CPU is the clients' processes, not the database's."""

    pairs: float  # per second
    p50: float
    p95: float
    cpu_ms: float  # per pair
    mb: float


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


def measure(env: dict[str, str], method: str, accounts: list[list[int]], processes: int, clients: int) -> Result:
    begins = time.time() + WARM_UP_S
    task = {"method": method, "accounts": accounts, "clients": clients, "begins": begins, "seconds": SECONDS}
    command = [sys.executable, "-m", "bench.money.pairs", msgspec.json.encode(task).decode()]
    with ExitStack() as stack:  # files, because a report is larger than a pipe's buffer
        files = [stack.enter_context(tempfile.TemporaryFile("w+")) for _ in range(processes)]
        pooled = env | {"DATABASE_POOL_SIZE": str(clients)}  # each client of the locking method has a connection
        started = [subprocess.Popen(command, env=pooled, cwd=ROOT, stdout=file) for file in files]
        codes = [process.wait() for process in started]
        if any(codes):
            sys.exit(f"{method} failed.")
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


def row(load: str, method: str, clients: str, result: Result) -> str:
    times = f"{result.p50:>7.1f} {result.p95:>7.1f}"
    return f"{load:<28} {method:<8} {clients:>7} {result.pairs:>8.0f}  {times}  {result.cpu_ms:>7.3f} {result.mb:>5.0f}"


def main() -> None:
    with database(POSTGRESQL) as env:
        accounts = json.loads(
            run(env, "manage.py", "shell", "--no-imports", "-c", MAKE_ACCOUNTS.format(accounts=ACCOUNTS))
        )
        loads = {"1 account, 1 process": (accounts[:1], 1), f"{ACCOUNTS:,} accounts, 2 processes": (accounts, 2)}
        found: dict[tuple[str, str], list[Result]] = {}
        print(HEADINGS)
        for _ in range(ROUNDS):
            for load, (of, processes) in loads.items():
                for method in ("gateway", "locking"):
                    result = measure(env, method, of, processes, CLIENTS)
                    found.setdefault((load, method), []).append(result)
                    print(row(load, method, f"{processes} x {CLIENTS}", result), flush=True)
        print("\nMedian of the rounds:")
        for load in loads:
            ours, theirs = ([each.pairs for each in found[load, method]] for method in ("gateway", "locking"))
            ratio = statistics.median(a / b for a, b in zip(ours, theirs, strict=True))
            print(f"{load}: {statistics.median(ours):.0f} pairs/s, {ratio:.1f} times the locking method")
        print(run(env, "manage.py", "reconcile_ledger").strip())


if __name__ == "__main__":
    main()
