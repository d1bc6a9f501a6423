"""`make bench-activity`: the pages of usage with 100,000 requests and with 10 million.

Fills a PostgreSQL server of its own by COPY, as settlement and the clock would have: a year of requests of 1,000
accounts, a tenth of them of one account with many keys, members, apps and models. Then it loads the pages of that
account and prints p50, p95 and the CPU time (of the page's process and PostgreSQL's, the least of the rounds) at both
sizes, and their ratios.

BENCH_DATA is a folder outside the repository that keeps the server's data for the next run, BENCH_GENERATIONS the
larger number (the smaller is a hundredth of it), BENCH_LARGE the share of the account whose pages are loaded (1: only
its requests), BENCH_LOADS how often each page is loaded, in how many rounds BENCH_ROUNDS, BENCH_PAGES a word
in the names of the pages to load (without it all are), BENCH_POSTGRESQL a running server to use instead.
"""

import json
import os
import statistics
from contextlib import ExitStack
from dataclasses import dataclass, field

from bench.database import run

from .activity_fill import filled, server

GENERATIONS = int(os.environ.get("BENCH_GENERATIONS", "10_000_000"))
LOADS = int(os.environ.get("BENCH_LOADS", "40"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "4"))


def main() -> None:
    sizes = (GENERATIONS // 100, GENERATIONS)
    with server() as url, ExitStack() as stack:
        databases = {number: stack.enter_context(filled(url, number)) for number in sizes}
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


if __name__ == "__main__":
    main()
