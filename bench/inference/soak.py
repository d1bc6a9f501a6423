"""`make bench-soak`: a thousand slow streams at once through one process, and the memory that each takes.

Every stream sends a token a second for a minute. Memory is the gateway process's own, from the kernel: idle after a
warm-up that has imported and allocated everything that requests share, then every second while all streams run.
SOAK_STREAMS and SOAK_SECONDS change the load; BENCH_POSTGRESQL names a server, SQLite is the default.
"""

import asyncio
import os
import statistics
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import aiohttp

from bench.inference.gateway import MODEL, gateway
from bench.inference.load import Server, cpu_seconds, rss_mb
from tests.support.processes import provider_sandbox

STREAMS = int(os.environ.get("SOAK_STREAMS", "1000"))
SECONDS = int(os.environ.get("SOAK_SECONDS", "60"))
WARM_UP = 100


class SlowStreams:
    """Streams that run at the same time."""

    def __init__(self, session: aiohttp.ClientSession, server: Server) -> None:
        self.session, self.server = session, server
        self.running = 0
        self.chunks = 0
        self.failed = 0

    async def stream(self, tokens: int, delay: str) -> None:
        body = {"model": MODEL, "messages": [{"role": "user", "content": "Say something slowly."}], "stream": True}
        headers = {
            "Authorization": f"Bearer {self.server.key}", "X-Sandbox-Tokens": str(tokens), "X-Sandbox-Delay": delay,
        }  # fmt: skip
        tail = b""
        try:
            async with self.session.post(self.server.url, json=body, headers=headers) as response:
                async for chunk in response.content.iter_any():
                    self.running += not tail
                    self.chunks += 1
                    tail = (tail + chunk)[-64:]
        except aiohttp.ClientError:
            pass
        self.running -= bool(tail)
        self.failed += not tail.endswith(b"data: [DONE]\n\n")

    async def many(self, streams: int, tokens: int, delay: str) -> None:
        await asyncio.gather(*(self.stream(tokens, delay) for _ in range(streams)))


async def soak(server: Server) -> None:
    pid = server.pid
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=None)) as session:
        load = SlowStreams(session, server)
        await load.many(WARM_UP, 5, "0")
        await asyncio.sleep(2)
        idle = rss_mb(pid)
        streams = asyncio.create_task(load.many(STREAMS, SECONDS, "1"))
        began, cpu, chunks = time.monotonic(), cpu_seconds(pid), load.chunks
        samples: list[float] = []
        while not streams.done():
            await asyncio.sleep(1)
            if load.running == STREAMS:
                samples.append(rss_mb(pid))
        seconds = time.monotonic() - began
        cpu, chunks = cpu_seconds(pid) - cpu, load.chunks - chunks
        await asyncio.sleep(2)
        after = rss_mb(pid)
    quarter = max(1, len(samples) // 4)
    early, late = statistics.median(samples[:quarter]), statistics.median(samples[-quarter:])
    print(f"{STREAMS} streams of {SECONDS} s, {load.failed} failed, all running at once for {len(samples)} s")
    grown = late / early - 1
    print(f"memory: idle {idle:.1f} MB, early {early:.1f}, late {late:.1f} ({grown:+.1%}), afterwards {after:.1f}")
    print(f"each stream: {1000 * (max(samples) - idle) / STREAMS:.1f} kB")
    print(f"CPU: {1000 * cpu / STREAMS:.1f} ms for each stream, {cpu / seconds:.0%} of a core")
    print(f"{chunks / seconds:.0f} chunks a second")


def main() -> None:
    with tempfile.TemporaryDirectory() as temporary, ExitStack() as stack:
        folder = Path(temporary)
        upstream = stack.enter_context(provider_sandbox(folder, "--speed", "0"))
        server = stack.enter_context(gateway(folder / "site", upstream, os.environ.get("BENCH_POSTGRESQL", "")))
        asyncio.run(soak(server))


if __name__ == "__main__":
    main()
