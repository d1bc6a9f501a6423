"""A load of requests, with the server's CPU time and memory as the kernel accounts them."""

import asyncio
import json
import os
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import aiohttp

TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Server:
    """A server under load: the URL that is requested, its process and an API key."""

    url: str
    pid: int
    key: str


@dataclass(frozen=True)
class Load:
    """`clients` send `requests` for one model, all of the same size. `delay` is the sandbox's, between tokens."""

    model: str
    clients: int
    requests: int
    stream: bool
    tokens: int
    delay: str = ""
    said: str = "messages"  # the field that the protocol has for the conversation

    def body(self) -> bytes:
        messages = [{"role": "user", "content": "Say something."}]
        return json.dumps({"model": self.model, self.said: messages, "stream": self.stream}).encode()

    def headers(self, key: str) -> dict[str, str]:
        delay = {"X-Sandbox-Delay": self.delay} if self.delay else {}
        return {
            "Authorization": f"Bearer {key}",
            "Content-Type": "application/json",
            "X-Sandbox-Tokens": str(self.tokens),
            **delay,
        }


@dataclass(frozen=True)
class Result:
    """Figures of one run. Times in milliseconds, memory in megabytes."""

    requests: int
    failed: int
    seconds: float
    cpu_ms: float  # per request, all threads of the server
    rps: float
    p50: float  # of the whole request
    p95: float
    p99: float
    first_p50: float  # to the first byte of the body
    rss_mb: float


def cpu_seconds(pid: int) -> float:
    """User and system CPU time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def rss_mb(pid: int) -> float:
    """Resident memory of a process, in megabytes."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE / 1e6


@dataclass
class _Times:
    """Seconds of each request, whole and to its first byte."""

    whole: list[float] = field(default_factory=list)
    first: list[float] = field(default_factory=list)
    failed: int = 0


#: Turns that servers take, where what is between them is small beside what a busy machine adds to either.
TURNS = 8


def by_turns(servers: Sequence[Server], load: Load) -> list[list[float]]:
    """CPU for a request, in milliseconds: of each server in each of TURNS turns, which share the load.

    The order is reversed in every other turn: the relay takes a fifth less after the gateway's turn than after its own.
    """
    turn = replace(load, requests=load.requests // TURNS)
    turns = []
    for number in range(TURNS):
        order = list(enumerate(servers))[:: -1 if number % 2 else 1]
        costs = {place: asyncio.run(run(server, turn)).cpu_ms for place, server in order}
        turns.append([costs[place] for place in range(len(servers))])
    return turns


async def run(server: Server, load: Load) -> Result:
    """Put the load on the server, after a tenth of it as a warm-up."""
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=300)) as session:
        await _send_all(session, server, load, max(1, load.requests // 10 // load.clients))
        cpu, began = cpu_seconds(server.pid), time.perf_counter()
        times = await _send_all(session, server, load, load.requests // load.clients)
        seconds = time.perf_counter() - began
        cpu = cpu_seconds(server.pid) - cpu
    quantiles = statistics.quantiles(times.whole, n=100)
    count = len(times.whole)
    return Result(
        requests=count,
        failed=times.failed,
        seconds=seconds,
        cpu_ms=1000 * cpu / count,
        rps=count / seconds,
        p50=1000 * quantiles[49],
        p95=1000 * quantiles[94],
        p99=1000 * quantiles[98],
        first_p50=1000 * statistics.median(times.first),
        rss_mb=rss_mb(server.pid),
    )


async def _send_all(session: aiohttp.ClientSession, server: Server, load: Load, share: int) -> _Times:
    """Each client sends `share` requests, one after another."""
    times = _Times()
    body, headers = load.body(), load.headers(server.key)

    async def client() -> None:
        for _ in range(share):
            began = time.perf_counter()
            async with session.post(server.url, data=body, headers=headers) as response:
                first = None
                size = 0
                async for chunk in response.content.iter_any():
                    first = first or time.perf_counter()
                    size += len(chunk)
                times.failed += response.status != 200 or not size
            times.whole.append(time.perf_counter() - began)
            times.first.append((first or time.perf_counter()) - began)

    await asyncio.gather(*(client() for _ in range(load.clients)))
    return times
