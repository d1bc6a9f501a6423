"""Starts the model providers: `python -m sandbox.providers --port 8010`."""

import argparse
import contextlib
import os
from pathlib import Path

import uvicorn

from sandbox.providers.app import make_app
from sandbox.providers.catalogue import Catalogue, read_catalogue
from sandbox.providers.shared import Shared
from sandbox.providers.wire import WireProtocol


def main() -> None:
    """Serves until it is told to stop; says where on its first line."""
    chosen = _options().parse_args()
    catalogue = read_catalogue(chosen.catalogue) if chosen.catalogue else Catalogue()
    config = uvicorn.Config(
        make_app(Shared(speed=chosen.speed, record=chosen.record, catalogue=catalogue)),
        host="127.0.0.1",
        port=chosen.port,
        http=WireProtocol,
        ws="none",
        lifespan="off",
        log_level="warning",
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=1,
    )
    listening = config.bind_socket()
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
        help="how many times faster than in life; 0: no delay at all",
    )
    options.add_argument("--record", action="store_true", help="keep what is received, for GET /_test/requests")
    options.add_argument(
        "--catalogue", type=Path, help="JSON file with endpoints, for lists of models and their limits"
    )
    return options


if __name__ == "__main__":
    main()
