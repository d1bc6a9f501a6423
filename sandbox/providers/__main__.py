"""Starts the model providers: `python -m sandbox.providers --port 8010`."""

import argparse
import contextlib
import os
from pathlib import Path

import uvicorn

from sandbox.providers.app import make_app
from sandbox.providers.catalog import Catalog, read_catalog, read_dimensions
from sandbox.providers.shared import Shared
from sandbox.providers.wire.connection import WireProtocol


def main() -> None:
    """Serves until stopped; the first line printed has the address."""
    chosen = _options().parse_args()
    catalog = read_catalog(chosen.catalog) if chosen.catalog else Catalog()
    dimensions = read_dimensions(chosen.dimensions) if chosen.dimensions else {}
    config = uvicorn.Config(
        make_app(Shared(speed=chosen.speed, record=chosen.record, catalog=catalog, dimensions=dimensions)),
        host="127.0.0.1",
        port=chosen.port,
        http=WireProtocol,
        ws="none",
        lifespan="off",
        workers=1,  # not WEB_CONCURRENCY, which is for the site
        log_level="warning",
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=1,
    )
    listening = config.bind_socket()
    listening.listen()  # a client that reads the address may connect at once
    print(f"Model providers (simulated) at http://127.0.0.1:{listening.getsockname()[1]}", flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        uvicorn.Server(config).run(sockets=[listening])


def _options() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(prog="python -m sandbox.providers", description="Simulated model providers.")
    options.add_argument(
        "--port",
        type=int,
        default=int(os.environ.get("SANDBOX_PROVIDERS_PORT", "8010")),
        help="port on 127.0.0.1; 0 takes a free one",
    )
    options.add_argument(
        "--speed",
        type=float,
        default=float(os.environ.get("SANDBOX_PROVIDERS_SPEED", "1")),
        help="factor on the real pace; 0: no delay",
    )
    options.add_argument("--record", action="store_true", help="record requests, for GET /_test/requests")
    options.add_argument("--catalog", type=Path, help="JSON file with endpoints, for lists of models and their limits")
    options.add_argument("--dimensions", type=Path, help="JSON file with models and endpoints, for sizes of vectors")
    return options


if __name__ == "__main__":
    main()
