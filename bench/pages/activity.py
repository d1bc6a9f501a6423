"""`make bench-activity`: the pages of usage with 100,000 requests and with 10 million.

Fills a PostgreSQL server of its own by COPY, as settlement and the clock would have: a year of requests of 1,000
accounts, a tenth of them of one account with many keys, members, apps and models. Then it loads the pages of that
account and prints p50, p95 and the CPU time (of the page's process and PostgreSQL's, the least of the rounds) at both
sizes, and their ratios.

Each size has a process of its own. They load one page by turns, some loads in each round, before both go on to the
next page: a machine whose speed changes within minutes is as fast for one as for the other. A ratio is the median of
those of the rounds.

BENCH_DATA is a folder outside the repository that keeps the server's data for the next run, BENCH_GENERATIONS the
larger number (the smaller is a hundredth of it), BENCH_LARGE the share of the account whose pages are loaded (1: only
its requests), BENCH_LOADS how often each page is loaded, in how many rounds BENCH_ROUNDS, BENCH_PAGES a word
in the names of the pages to load (without it all are), BENCH_POSTGRESQL a running server to use instead.
"""

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

from scripts.environment import ROOT

from .activity_fill import filled, server

GENERATIONS = int(os.environ.get("BENCH_GENERATIONS", "10_000_000"))
LOADS = int(os.environ.get("BENCH_LOADS", "40"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "4"))
PAGES = os.environ.get("BENCH_PAGES", "")


@dataclass
class Times:
    """The rounds of one page: the milliseconds of each load, and the CPU time of one."""

    rounds: list[tuple[list[float], float]] = field(default_factory=list)

    def __str__(self) -> str:
        loads = [time for times, _ in self.rounds for time in times]
        p95 = statistics.quantiles(loads, n=20)[18]
        return f"{statistics.median(loads):>8.1f} {p95:>7.1f} {min(cpu for _, cpu in self.rounds):>7.1f}"

    def ratios(self, before: "Times") -> str:
        """Return the ratios of p50 and CPU to those of another size: the medians of the rounds."""
        pairs = list(zip(self.rounds, before.rounds, strict=True))
        p50 = statistics.median(statistics.median(many) / statistics.median(few) for (many, _), (few, _) in pairs)
        return f"{p50:>9.2f} {statistics.median(many / few for (_, many), (_, few) in pairs):>5.2f}"


class Pages:
    """A process that loads the pages of one size. Exits if it ends."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.names: list[str] = self._read()

    def load(self, name: str) -> tuple[list[float], float]:
        """Load a page as often as one round does. Return the milliseconds of each load, and the CPU time of one."""
        print(json.dumps([name, LOADS // ROUNDS]), file=self._process.stdin, flush=True)
        times, cpu = self._read()
        return times, cpu

    def _read(self) -> Any:
        line = self._process.stdout.readline() if self._process.stdout else ""
        return json.loads(line) if line else sys.exit("The process that loads the pages ended.")


@contextmanager
def pages(env: dict[str, str]) -> Iterator[Pages]:
    """Run a process that loads the pages of a database."""
    command = [sys.executable, "-m", "bench.pages.activity_pages"]
    with subprocess.Popen(
        command, env=env, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield Pages(process)


def main() -> None:
    sizes = (GENERATIONS // 100, GENERATIONS)
    with server() as url, ExitStack() as stack:
        databases = [stack.enter_context(filled(url, number)) for number in sizes]
        few, many = [stack.enter_context(pages(env)) for env in databases]
        _print_head(*sizes)
        for name in many.names:
            if PAGES in name:
                small, large = Times(), Times()
                for _ in range(ROUNDS):
                    small.rounds.append(few.load(name))
                    large.rounds.append(many.load(name))
                print(f"{name:<45} {small}  {large} {large.ratios(small)}", flush=True)


def _print_head(few: int, many: int) -> None:
    print(f"\n{'':<45} {f'{few:,} requests':>24}  {f'{many:,} requests':>24} {'ratio of':>9}")
    columns = f"{'p50 ms':>8} {'p95':>7} {'CPU':>7}"
    print(f"{'':<45} {columns}  {columns} {'p50':>9} {'CPU':>5}")


if __name__ == "__main__":
    main()
