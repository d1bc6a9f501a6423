"""A load of chat completions, and what it costs the server: CPU from the kernel's own accounting."""

import asyncio
import json
import os
import statistics
import time
from dataclasses import dataclass
from pathlib import Path

import aiohttp

TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


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
    """User and system time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def rss_mb(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE / 1e6


async def run(
    url: str,
    pid: int,
    *,
    key: str,
    model: str,
    clients: int,
    requests: int,
    stream: bool,
    tokens: int,
    delay: str = "",
) -> Result:
    """Send `requests` with `clients` at a time, after a tenth of them to warm up."""
    body = json.dumps(
        {"model": model, "messages": [{"role": "user", "content": "Say something."}], "stream": stream}
    ).encode()
    headers = {
        "Authorization": f"Bearer {key}",
        "Content-Type": "application/json",
        "X-Sandbox-Tokens": str(tokens),
        **({"X-Sandbox-Delay": delay} if delay else {}),
    }
    times: list[float] = []
    firsts: list[float] = []
    failed = 0

    async def one(session: aiohttp.ClientSession) -> None:
        nonlocal failed
        began = time.perf_counter()
        async with session.post(url, data=body, headers=headers) as response:
            first = None
            size = 0
            async for chunk in response.content.iter_any():
                first = first or time.perf_counter()
                size += len(chunk)
            failed += response.status != 200 or not size
        times.append(time.perf_counter() - began)
        firsts.append((first or time.perf_counter()) - began)

    async def client(session: aiohttp.ClientSession, share: int) -> None:
        for _ in range(share):
            await one(session)

    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=300)) as session:
        await asyncio.gather(*(client(session, max(1, requests // 10 // clients)) for _ in range(clients)))
        times.clear()
        firsts.clear()
        failed = 0
        cpu, began = cpu_seconds(pid), time.perf_counter()
        await asyncio.gather(*(client(session, requests // clients) for _ in range(clients)))
        seconds = time.perf_counter() - began
        cpu = cpu_seconds(pid) - cpu
    quantiles = statistics.quantiles(times, n=100)
    return Result(
        requests=len(times),
        failed=failed,
        seconds=seconds,
        cpu_ms=1000 * cpu / len(times),
        rps=len(times) / seconds,
        p50=1000 * quantiles[49],
        p95=1000 * quantiles[94],
        p99=1000 * quantiles[98],
        first_p50=1000 * statistics.median(firsts),
        rss_mb=rss_mb(pid),
    )
