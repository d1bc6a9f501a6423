"""`make bench-scale`: one, two and four processes of the gateway behind nginx, with PgBouncer and without.

All parts are real and on this machine: nginx as in `deploy/nginx.conf`, the gateway alone, PostgreSQL, PgBouncer in
transaction mode as in `deploy/pgbouncer.ini`, Redis, and the providers' stand-in. So requests per second stop at the
machine's cores, which the load shares, unless BENCH_CORE_SHARE gives each process of the gateway only a part of one.
What carries over to other machines is the CPU time of each part for a request, which `bench/scale/model.py` calculates
with. The last line has the figures for it.
"""

import asyncio
import contextlib
import json
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import psycopg
import redis

from bench.inference.load import TICKS, Load
from bench.scale.core_share import limited
from bench.scale.model import PARTS, Costs
from scripts.pooler import own_pgbouncer
from scripts.serve import free_port
from scripts.servers import own_postgresql, own_redis
from tests.support import nginx
from tests.support.processes import Process, Site

PROCESSES = (1, 2, 4)
CLIENTS = int(os.environ.get("BENCH_CLIENTS", "32"))
SECONDS = float(os.environ.get("BENCH_SECONDS", "8"))
CORE_SHARE = float(os.environ.get("BENCH_CORE_SHARE", "0"))  # 0: no limit
WARM_UP_SECONDS = 2.0
#: Organizations that send requests, each with a key: one row of the ledger each.
ACCOUNTS = 8
#: Connections that PgBouncer opens to the database.
POOL_SIZE = 10
UNIT = (
    "exec python -m uvicorn openrouter_site.gateway_asgi:application --host 127.0.0.1 --log-level warning --port {port}"
)
LOAD = Load("openai/gpt-4o-mini", clients=CLIENTS, requests=0, stream=True, tokens=64)


def tree_cpu_seconds(pid: int) -> float:
    """CPU time of a process and its children so far, with those that have ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return 0.0
    return sum(map(int, fields[11:15])) / TICKS + sum(tree_cpu_seconds(int(child)) for child in children)


class Machine:
    """The parts that run, and what the kernel and PostgreSQL say of them."""

    def __init__(self, site: Site, server: str, cache: str) -> None:
        self.site = site
        self._console = psycopg.connect(server, autocommit=True)
        (backend,) = self._console.execute("SELECT pg_backend_pid()").fetchone() or (0,)
        parent = Path(f"/proc/{backend}/stat").read_text().rpartition(")")[2].split()[1]
        self.pids: dict[str, list[int]] = {
            "database": [int(parent)],
            "redis": [int(redis.Redis.from_url(cache).info("server")["process_id"])],
            "pgbouncer": [],
        }

    def cpu(self) -> dict[str, float]:
        return {part: sum(map(tree_cpu_seconds, pids)) for part, pids in self.pids.items()}

    def log_position(self) -> int:
        """The bytes that PostgreSQL has written to its log."""
        (position,) = self._console.execute("SELECT pg_current_wal_lsn() - '0/0'").fetchone() or (0,)
        return int(position)

    def connections(self) -> int:
        """The connections of the site to the database."""
        query = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"
        (count,) = self._console.execute(query).fetchone() or (0,)
        return int(count) - 1  # this one

    def stored_bytes(self) -> int:
        """The bytes on disk of a settled request, with its indexes."""
        ((size, count),) = self.site.rows(
            "SELECT sum(pg_total_relation_size(inhrelid)), (SELECT count(*) FROM gateway_generation) "
            "FROM pg_inherits WHERE inhparent = 'gateway_generation'::regclass"
        )
        return int(size / count)

    @contextlib.contextmanager
    def gateways(self, number: int, env: dict[str, str]) -> Iterator[list[Process]]:
        """Run so many processes of the gateway; yield them, each named by its port."""
        started = []
        with contextlib.ExitStack() as running:
            for _ in range(number):
                port = free_port()
                process = Process(str(port), UNIT.format(port=port), self.site.env | env, self.site.folder)
                running.callback(process.stop)
                started.append(process)
            for process in started:
                process.wait_until_it_responds(f"http://127.0.0.1:{process.name}/readyz")
                if CORE_SHARE:
                    running.enter_context(limited(process.pid, CORE_SHARE))
            yield started

    @contextlib.contextmanager
    def behind_nginx(self, gateways: list[Process]) -> Iterator[str]:
        """Run nginx in front of these processes; yield its address."""
        address = f"127.0.0.1:{free_port()}"
        folder = Path(tempfile.mkdtemp(dir=self.site.folder)) / "nginx"
        command = nginx.command(folder, address, [int(each.name) for each in gateways])
        process = Process("nginx", command, self.site.env, self.site.folder)
        self.pids |= {"nginx": [process.pid], "gateway": [each.pid for each in gateways]}
        try:
            process.wait_until_it_responds(f"http://{address}/healthz")
            yield f"http://{address}/api/v1/chat/completions"
        finally:
            process.stop()


async def put_under_load(url: str, keys: list[str], seconds: float) -> tuple[list[float], int]:
    """Send requests for some seconds; return the seconds that each took, and the number of those that failed."""
    times: list[float] = []
    failed = 0
    until = time.perf_counter() + seconds

    async def client(session: aiohttp.ClientSession, key: str) -> None:
        nonlocal failed
        while (began := time.perf_counter()) < until:
            async with session.post(url, data=LOAD.body(), headers=LOAD.headers(key)) as response:
                content = await response.read()
            failed += response.status != 200 or not content.endswith(b"data: [DONE]\n\n")
            times.append(time.perf_counter() - began)

    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=60)) as session:
        await asyncio.gather(*(client(session, keys[number % len(keys)]) for number in range(CLIENTS)))
    return times, failed


def measure(machine: Machine, url: str, keys: list[str], title: str) -> Costs:
    """Put one arrangement under load, print its line, and return what a request cost."""
    asyncio.run(put_under_load(url, keys, WARM_UP_SECONDS))
    cpu, written, began = machine.cpu(), machine.log_position(), time.perf_counter()
    times, failed = asyncio.run(put_under_load(url, keys, SECONDS))
    seconds, done = time.perf_counter() - began, len(times)
    spent = {part: 1000 * (now - cpu[part]) / done for part, now in machine.cpu().items()}
    log_kb = (machine.log_position() - written) / done / 1000
    quantiles = statistics.quantiles(times, n=100)
    each = " ".join(f"{spent[part]:>9.2f}" for part in PARTS)
    print(
        f"{title:<22} {done / seconds:>6.0f} {1000 * quantiles[49]:>7.0f} {1000 * quantiles[94]:>7.0f} | {each} | "
        f"{log_kb:>6.1f} {machine.connections():>11}{f'  {failed} FAILED' if failed else ''}",
        flush=True,
    )
    return Costs(cpu_ms=spent, log_kb=log_kb, stored_bytes=machine.stored_bytes())


def main() -> None:
    title, columns = "", " ".join(f"{part:>9}" for part in PARTS)
    with contextlib.ExitStack() as running:
        folder = Path(running.enter_context(tempfile.TemporaryDirectory()))
        server, cache = running.enter_context(own_postgresql()), running.enter_context(own_redis())
        site = Site(
            folder, postgresql=server.url, redis_url=cache.url, processes=("providers",),
            SANDBOX_PROVIDERS_SPEED="0", LOG_LEVEL="WARNING",
        )  # fmt: skip
        running.enter_context(site)
        machine = Machine(site, server.url, cache.url)
        account = ("demo_account", "--credits", "1000", "--json", "--email")
        keys = [json.loads(site.manage(*account, f"{at}@example.com"))["api_key"] for at in range(ACCOUNTS)]
        pooler = running.enter_context(own_pgbouncer(server.url, pool_size=POOL_SIZE))
        pooled = {"DATABASE_URL": pooler.in_front_of(site.env["DATABASE_URL"]), "DATABASE_POOLER": "true"}
        print(f"{CLIENTS} clients, streams of {LOAD.tokens} tokens; load of the machine {os.getloadavg()[0]:.0f}")
        if CORE_SHARE:
            print(f"each process of the gateway has {CORE_SHARE:g} of a core")
        print(f"{title:<22} {'req/s':>6} {'p50 ms':>7} {'p95 ms':>7} | {columns} | {'log kB':>6} {'connections':>11}")
        for name, env in (("", {}), (", PgBouncer", pooled)):
            machine.pids["pgbouncer"] = [pooler.pid] if env else []
            with machine.gateways(max(PROCESSES), env) as gateways:
                for number in PROCESSES:
                    with machine.behind_nginx(gateways[:number]) as url:
                        title = f"{number} process{'es' if number > 1 else ''}{name}"
                        costs = measure(machine, url, keys, title)
        print(f"model: {costs.as_json()}")


if __name__ == "__main__":
    main()
