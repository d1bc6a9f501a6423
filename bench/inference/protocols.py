"""`make bench-protocols`: the CPU of the Messages and Responses protocols beside that of chat completions.

The same question and the same answer of 64 tokens, whole and streamed, through one gateway on PostgreSQL
(BENCH_POSTGRESQL) with all billing on. The protocols take turns in BENCH_ROUNDS rounds, so that other load on the
machine meets all of them; the ratio is the median of the rounds'.
"""

import asyncio
import os
import statistics
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from bench.inference.gateway import MODEL, POSTGRESQL, REQUESTS, gateway
from bench.inference.load import Load, Server, run
from tests.support.processes import provider_sandbox

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "10"))
CHAT = "chat/completions"
#: Each protocol's path, and its field for the conversation.
PROTOCOLS = {CHAT: "messages", "messages": "messages", "responses": "input"}

#: CPU in milliseconds per request, round by round.
Costs = Mapping[str, list[float]]


async def measure(server: Server, *, stream: bool) -> Costs:
    """The CPU of each protocol in each round."""
    load = Load(MODEL, clients=32, requests=REQUESTS // ROUNDS, stream=stream, tokens=64, delay="0" if stream else "")
    costs: dict[str, list[float]] = {path: [] for path in PROTOCOLS}
    for number in range(ROUNDS):
        paths = list(PROTOCOLS)
        for path in paths[number % len(paths) :] + paths[: number % len(paths)]:
            url = server.url.removesuffix(CHAT) + path
            result = await run(replace(server, url=url), replace(load, said=PROTOCOLS[path]))
            assert not result.failed, f"{result.failed} requests to {path} failed"
            costs[path].append(result.cpu_ms)
    return costs


def main() -> None:
    with tempfile.TemporaryDirectory() as temporary, provider_sandbox(Path(temporary), "--speed", "0") as upstream:
        print(f"{'':<18} {'':<8} {'CPU ms':>7} {'ratio':>6}")
        with gateway(Path(temporary) / "postgresql", upstream, POSTGRESQL) as server:
            for kind in ("whole", "stream"):
                costs = asyncio.run(measure(server, stream=kind == "stream"))
                for path, each in costs.items():
                    ratio = statistics.median(cost / chat for cost, chat in zip(each, costs[CHAT], strict=True))
                    print(f"{path:<18} {kind:<8} {statistics.median(each):>7.2f} {ratio:>6.2f}", flush=True)


if __name__ == "__main__":
    main()
