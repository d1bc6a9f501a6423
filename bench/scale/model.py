"""How many machines so many requests per second need, from the measured cost of each part for a request.

    .venv/bin/python -m bench.scale.model                            # with the figures of docs/operations/scaling.md
    .venv/bin/python -m bench.scale.model '{"cpu_ms": ...}'          # with the last line of `make bench-scale`
    .venv/bin/python -m bench.scale.model --rates 50 --cores 4

A part is busy for `rate x CPU time` of a core's time. It gets so many cores that they are busy for the share USED at
most: beyond about two thirds, requests wait for each other. This says nothing about latency, and leaves out the other
work of the same servers: pages, the worker's tasks, backups.
"""

import json
import math
import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from dataclasses import asdict, dataclass

__all__ = ["MEASURED", "PARTS", "Costs", "Plan", "plan", "report"]

PARTS = ("nginx", "gateway", "database", "pgbouncer", "redis")
RATES = (100, 1_000, 10_000)
#: The share of a core's time that a part may be busy.
USED = 0.6
#: Of the machines for nginx and the gateway.
CORES = 8
#: Of the largest server for the primary database that is worth planning with; only one can write.
DATABASE_CORES = 32
#: Connections of one process of the gateway under load, and those that PostgreSQL allows by default for all.
CONNECTIONS, MAX_CONNECTIONS = 4, 97
#: Seconds that a request runs on average, nearly all of them waiting for the provider, and kB of memory meanwhile.
REQUEST_SECONDS, REQUEST_KB = 8.0, 80.0
PROCESS_MB = 175
MONTH_SECONDS = 30 * 86_400


@dataclass(frozen=True)
class Costs:
    """CPU time in ms of each part for a request, kB of the database's log for it, and bytes that stay on disk."""

    cpu_ms: dict[str, float]
    log_kb: float
    stored_bytes: int

    def as_json(self) -> str:
        """Return the figures as `Costs(**json.loads(...))` takes them."""
        rounded = {part: round(ms, 2) for part, ms in self.cpu_ms.items()}
        return json.dumps(asdict(self) | {"cpu_ms": rounded, "log_kb": round(self.log_kb, 1)})


#: Four processes behind PgBouncer: the last line of the run in docs/operations/scaling.md.
MEASURED = Costs(
    cpu_ms={"nginx": 0.17, "gateway": 2.0, "database": 0.9, "pgbouncer": 0.07, "redis": 0.0},
    log_kb=2.2,
    stored_bytes=867,
)


@dataclass(frozen=True)
class Plan:
    """The least of each part for a rate of requests per second."""

    rate: int
    cores: dict[str, int]
    machines: int  # for nginx and the gateway
    connections: int  # to the database, without a pooler
    in_flight: int
    memory_gb: float  # of all processes of the gateway
    log_mb: float  # per second
    stored_gb: float  # per month

    @property
    def needs_pooler(self) -> bool:
        """Whether PostgreSQL's default would refuse some of the connections."""
        return self.connections > MAX_CONNECTIONS


def plan(costs: Costs, rate: int, cores: int = CORES) -> Plan:
    """Return what `rate` requests per second need on machines with so many cores."""
    needed = {part: max(1, math.ceil(rate * costs.cpu_ms[part] / 1000 / USED)) for part in PARTS}
    in_flight = math.ceil(rate * REQUEST_SECONDS)
    return Plan(
        rate=rate,
        cores=needed,
        machines=max(2, math.ceil((needed["nginx"] + needed["gateway"]) / cores)),  # one may fail
        connections=needed["gateway"] * CONNECTIONS,
        in_flight=in_flight,
        memory_gb=(needed["gateway"] * PROCESS_MB + in_flight * REQUEST_KB / 1000) / 1000,
        log_mb=rate * costs.log_kb / 1000,
        stored_gb=rate * MONTH_SECONDS * costs.stored_bytes / 1e9,
    )


def limits(costs: Costs) -> list[tuple[int, str, str]]:
    """Return (requests per second, part, remedy) for each part that can be full, the lowest rate first.

    A part whose cost was too small to measure is left out.
    """
    largest = f"a database with {DATABASE_CORES} cores"
    most_processes = MAX_CONNECTIONS // CONNECTIONS
    parts = [
        ("gateway", 1, "one process of the gateway", "more processes, on any machine"),
        ("gateway", most_processes, "PostgreSQL's default connections", "PgBouncer, DATABASE_POOLER"),
        ("pgbouncer", 1, "one PgBouncer", "one on each machine, or several with so_reuseport=1"),
        ("redis", 1, "one Redis", "CACHE_REDIS_URL, CHANNELS_REDIS_URL, BROKER_REDIS_URL"),
        ("database", 4, "a database with 4 cores", "more cores; DATABASE_REPLICA_URL for pages of usage"),
        ("database", DATABASE_CORES, largest, "tables divided by account"),
    ]
    measured = [part for part in parts if costs.cpu_ms[part[0]]]
    return sorted((int(cores * USED * 1000 / costs.cpu_ms[part]), what, to_do) for part, cores, what, to_do in measured)


def report(costs: Costs, rates: Sequence[int] = RATES, cores: int = CORES) -> str:
    """Return the plans and the limits as text."""
    plans = [plan(costs, rate, cores) for rate in rates]
    rows: dict[str, list[str]] = {f"cores for {part}": [str(each.cores[part]) for each in plans] for part in PARTS}
    rows[f"machines of {cores} cores, nginx and gateway"] = [str(each.machines) for each in plans]
    rows["requests that run at once"] = [f"{each.in_flight:,}" for each in plans]
    rows["memory of the gateway, GB"] = [f"{each.memory_gb:.1f}" for each in plans]
    rows["connections without PgBouncer"] = [f"{each.connections}{' (too many)' * each.needs_pooler}" for each in plans]
    rows["log of the database, MB/s"] = [f"{each.log_mb:.1f}" for each in plans]
    rows["requests stored, GB a month"] = [f"{each.stored_gb:,.0f}" for each in plans]
    lines = [f"{'requests per second':<40}" + "".join(f"{each.rate:>16,}" for each in plans)]
    lines += [f"{name:<40}" + "".join(f"{value:>16}" for value in values) for name, values in rows.items()]
    lines += ["", "What is full first, and what to change:", ""]
    lines += [f"{rate:>8,}/s  {part:<33} {remedy}" for rate, part, remedy in limits(costs)]
    return "\n".join(lines)


def main(arguments: Sequence[str]) -> str:
    """Return the report that the arguments ask for."""
    parser = ArgumentParser(prog="python -m bench.scale.model")
    parser.add_argument("costs", nargs="?", default=json.dumps(asdict(MEASURED)), help="the last line of a measurement")
    parser.add_argument("--rates", type=int, nargs="+", default=list(RATES), help="requests per second")
    parser.add_argument("--cores", type=int, default=CORES, help="cores of a machine")
    given = parser.parse_args(arguments)
    return report(Costs(**json.loads(given.costs)), given.rates, given.cores)


if __name__ == "__main__":
    print(main(sys.argv[1:]))
