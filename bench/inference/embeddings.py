"""`make bench-embeddings`: the cost of a hundred embeddings through the gateway, beside a bare relay.

As `bench/inference/gateway.py`, with one request for a hundred texts of about 60 tokens, whose vectors have 1,536
dimensions: in base64 as OpenAI's packages ask for them (0.8 MB), and as numbers. At last relay and gateway run by
turns, because what the gateway adds is small beside what a busy machine adds to either.
"""

import asyncio
import json
import os
import statistics
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from bench.inference.gateway import DIRECT, HEADINGS, POSTGRESQL, gateway, relay, row
from bench.inference.load import TURNS, Load, Server, by_turns, run
from tests.support.processes import provider_sandbox

REQUESTS = int(os.environ.get("BENCH_REQUESTS", "400"))
EMBEDDINGS = "/api/v1/embeddings"
MODEL = "openai/text-embedding-3-small"
TEXTS = [
    f"{number}: " + "The quick brown fox jumps over the lazy dog near the river bank. " * 4 for number in range(100)
]


@dataclass(frozen=True)
class EmbeddingsLoad(Load):
    """Requests for a hundred vectors."""

    format: str = "float"

    def body(self) -> bytes:
        return json.dumps(
            {"model": self.model, "input": TEXTS, "encoding_format": self.format, "dimensions": 1536}
        ).encode()

    def headers(self, key: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}


def main() -> None:
    with tempfile.TemporaryDirectory() as temporary, ExitStack() as stack:
        folder = Path(temporary)
        upstream = stack.enter_context(provider_sandbox(folder, "--speed", "0"))
        print(HEADINGS)
        direct = {}
        servers = [
            ("bare relay", relay(folder, upstream, EMBEDDINGS)),
            ("gateway, SQLite", gateway(folder / "sqlite", upstream, path=EMBEDDINGS)),
            ("gateway, PostgreSQL", gateway(folder / "postgresql", upstream, POSTGRESQL, path=EMBEDDINGS)),
        ]
        for encoding in ("base64", "float"):
            for clients in (1, 8):
                load = _load(encoding, clients)
                server = Server(f"{upstream}/openai/v1/embeddings", os.getpid(), "key")
                direct[encoding, clients] = asyncio.run(run(server, load))
                print(row(DIRECT, encoding, clients, direct[encoding, clients], None), flush=True)
        for name, started in servers:
            with started as server:
                for (encoding, clients), straight in direct.items():
                    result = asyncio.run(run(server, _load(encoding, clients)))
                    print(row(name, encoding, clients, result, straight), flush=True)
        print(f"\nCPU ms that the gateway on PostgreSQL adds to the relay's, in {TURNS} turns: median, lowest")
        bare = stack.enter_context(relay(folder, upstream, EMBEDDINGS))
        ours = stack.enter_context(gateway(folder / "turns", upstream, POSTGRESQL, path=EMBEDDINGS))
        for encoding, clients in direct:
            turns = by_turns([bare, ours], _load(encoding, clients))
            added = [with_gateway - relayed for relayed, with_gateway in turns]
            print(f"{encoding:<9} {clients:>3} {statistics.median(added):>7.2f} {min(added):>7.2f}", flush=True)


def _load(encoding: str, clients: int) -> EmbeddingsLoad:
    return EmbeddingsLoad(MODEL, clients=clients, requests=REQUESTS, stream=False, tokens=0, format=encoding)


if __name__ == "__main__":
    main()
