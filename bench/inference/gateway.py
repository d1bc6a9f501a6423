"""`make bench-gateway`: the cost of a request through the gateway, beside a bare relay and LiteLLM's proxy.

Same upstream, same load, one run. The time that a server adds to a request is the difference to a request straight to
the upstream, quantile by quantile. The gateway runs with all billing on, on SQLite and on PostgreSQL
(BENCH_POSTGRESQL, default postgres://postgres@127.0.0.1:5432/postgres). LiteLLM is measured when LITELLM names its
command (`pip install 'litellm[proxy]'` in an environment of its own), without a database. At last relay and gateway
run by turns, so that a machine whose speed changes changes both.
"""

import asyncio
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench.inference.load import TURNS, Load, Result, Server, by_turns, run
from scripts.serve import free_port
from tests.support.processes import Process, Site, provider_sandbox

POSTGRESQL = os.environ.get("BENCH_POSTGRESQL", "postgres://postgres@127.0.0.1:5432/postgres")
REQUESTS = int(os.environ.get("BENCH_REQUESTS", "2000"))
MODEL = "openai/gpt-4o-mini"
CHAT = "/api/v1/chat/completions"


@contextmanager
def relay(folder: Path, upstream: str, path: str = CHAT) -> Iterator[Server]:
    port = free_port()
    env = os.environ | {"UPSTREAM": f"{upstream}/openai/v1"}
    process = Process(
        "relay",
        f"exec {sys.executable} -m uvicorn bench.inference.relay:application --port {port} --no-access-log",
        env,
        folder,
    )
    try:
        process.wait_until_it_responds(f"http://127.0.0.1:{port}/")
        yield Server(f"http://127.0.0.1:{port}{path}", process.pid, "key")
    finally:
        process.stop()


@contextmanager
def litellm(folder: Path, upstream: str, command: str) -> Iterator[Server]:
    port = free_port()
    config = folder / "litellm.json"
    params = {"model": f"openai/{MODEL}", "api_base": f"{upstream}/openai/v1", "api_key": "key"}
    config.write_text(
        json.dumps(
            {
                "model_list": [{"model_name": MODEL, "litellm_params": params}],
                "litellm_settings": {"forward_client_headers_to_llm_api": True},
                "general_settings": {"forward_client_headers_to_llm_api": True},
            }
        )
    )
    key = "sk-bench-0123456789abcdef0123456789abcdef"
    env = os.environ | {"LITELLM_LOG": "ERROR", "LITELLM_MASTER_KEY": key}
    process = Process("litellm", f"exec {command} --config {config} --port {port} --num_workers 1", env, folder)
    try:
        process.wait_until_it_responds(f"http://127.0.0.1:{port}/health/liveliness")
        yield Server(f"http://127.0.0.1:{port}/v1/chat/completions", process.pid, key)
    finally:
        process.stop()


@contextmanager
def gateway(folder: Path, upstream: str, postgresql: str = "", path: str = CHAT) -> Iterator[Server]:
    folder.mkdir()
    settings = {"SANDBOX_PROVIDERS_URL": upstream, "LOG_LEVEL": "WARNING"}
    with Site(folder, postgresql=postgresql, processes=("web",), **settings) as site:
        key = json.loads(site.manage("demo_account", "--credits", "1000", "--json"))["api_key"]
        pid = int(
            Path(f"/proc/{site.processes['web'].pid}/task/{site.processes['web'].pid}/children").read_text().split()[0]
        )
        yield Server(f"{site.url}{path}", pid, key)


HEADINGS = (
    f"{'':<34} {'CPU ms':>7} {'req/s':>7} {'p50 ms':>8} | added: {'p50':>6} {'p95':>7} {'p99':>7} "
    f"{'first':>7} | {'MB':>4}"
)
DIRECT = "upstream itself"

Results = dict[tuple[str, int], Result]


def row(name: str, kind: str, clients: int, result: Result, direct: Result | None) -> str:
    """A line of the table; without CPU, memory and added times where there is nothing between client and upstream."""
    start = f"{name:<20} {kind:<9} {clients:>3} "
    failed = f"  {result.failed} FAILED" if result.failed else ""
    if direct is None:
        return f"{start} {'':>7} {result.rps:>7.0f} {result.p50:>8.1f} |{failed}"
    added = (result.p50 - direct.p50, result.p95 - direct.p95, result.p99 - direct.p99)
    times = " ".join(f"{time:>7.1f}" for time in (*added, result.first_p50 - direct.first_p50))
    costs = f"{result.cpu_ms:>7.2f} {result.rps:>7.0f} {result.p50:>8.1f}"
    return f"{start} {costs} |     {times} | {result.rss_mb:>4.0f}{failed}"


KINDS = ("whole", "stream")


def load_of(kind: str, clients: int) -> Load:
    """Requests for a response of 64 tokens."""
    requests = REQUESTS if clients > 1 else REQUESTS // 4
    stream = kind == "stream"
    # A delay of 0: each token in a packet of its own.
    return Load(MODEL, clients=clients, requests=requests, stream=stream, tokens=64, delay="0" if stream else "")


async def measure(name: str, server: Server, direct: Results) -> Results:
    results: Results = {}
    for kind in KINDS:
        for clients in (1, 32):
            results[kind, clients] = await run(server, load_of(kind, clients))
            print(row(name, kind, clients, results[kind, clients], direct.get((kind, clients))), flush=True)
    return results


def main() -> None:
    with tempfile.TemporaryDirectory() as temporary, ExitStack() as stack:
        folder = Path(temporary)
        upstream = stack.enter_context(provider_sandbox(folder, "--speed", "0"))
        print(HEADINGS)
        servers = [("bare relay", relay(folder, upstream)), ("gateway, SQLite", gateway(folder / "sqlite", upstream))]
        servers.append(("gateway, PostgreSQL", gateway(folder / "postgresql", upstream, POSTGRESQL)))
        if command := os.environ.get("LITELLM"):
            servers.append(("LiteLLM proxy", litellm(folder, upstream, command)))
        direct_server = Server(f"{upstream}/openai/v1/chat/completions", os.getpid(), "key")
        direct = asyncio.run(measure(DIRECT, direct_server, {}))
        results = {}
        for name, started in servers:
            with started as server:
                results[name] = asyncio.run(measure(name, server, direct))
        ours = results["gateway, PostgreSQL"]
        for other in (name for name in results if not name.startswith("gateway")):
            for (kind, clients), result in results[other].items():
                ratio = result.cpu_ms / ours[kind, clients].cpu_ms
                print(f"CPU of {other} / gateway on PostgreSQL, {kind}, {clients} clients: {ratio:.2f}")
        print(f"\nCPU ms in {TURNS} turns with 32 clients, medians: relay, gateway on PostgreSQL, ratio of each turn")
        bare = stack.enter_context(relay(folder, upstream))
        gateway_again = stack.enter_context(gateway(folder / "turns", upstream, POSTGRESQL))
        for kind in KINDS:
            turns = by_turns([bare, gateway_again], load_of(kind, 32))
            medians = [statistics.median(each) for each in zip(*turns, strict=True)]
            ratio = statistics.median(ours / relayed for relayed, ours in turns)
            print(f"{kind:<9} {medians[0]:>7.2f} {medians[1]:>7.2f} {ratio:>7.2f}", flush=True)


if __name__ == "__main__":
    main()
