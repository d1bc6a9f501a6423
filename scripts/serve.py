"""`make run`: check the ports, set up, prepare the database, then run the processes of the Procfile."""

import contextlib
import os
import signal
import socket
import subprocess

from scripts import install
from scripts.environment import ROOT, python, variables
from scripts.progress import Stop, step

__all__ = ["free_port", "processes", "run"]


def run() -> int:
    """Run the whole site. Return 0 if the user stopped it."""
    env = variables()
    wanted = processes(env)
    refuse_taken_ports(wanted, env)
    install.set_up()
    code, output = step("Preparing the database", [python(), "-m", "scripts.prepare"], env=env, cwd=ROOT)
    if code:
        raise Stop(output.rstrip())
    with subprocess.Popen([python(), "-m", "scripts.procfile", *wanted], env=env, cwd=ROOT) as site:
        # Ctrl+C reaches the site's processes too: wait until they have stopped.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        for name in ("SIGTERM", "SIGHUP"):
            if hasattr(signal, name):
                signal.signal(getattr(signal, name), lambda *_: site.terminate())
        return site.wait()


def processes(env: dict[str, str]) -> dict[str, str]:
    """Return the processes to start, each with the name of its port's variable (empty: no port).

    A sandbox is left out if the real service is configured or the sandbox runs elsewhere.
    """

    def is_set(name: str) -> bool:
        return bool(env.get(name) or env.get(f"{name}_FILE"))

    wanted = {"web": "PORT", "worker": ""}
    if "SANDBOX_PROVIDERS_URL" not in env and env.get("DEBUG", "true").lower() in {"1", "true", "yes", "on"}:
        wanted["providers"] = "SANDBOX_PROVIDERS_PORT"
    if not is_set("STRIPE_SECRET_KEY"):
        wanted["stripe"] = "SANDBOX_STRIPE_PORT"
        if not is_set("COINBASE_API_KEY_ID"):
            wanted["coinbase"] = "SANDBOX_COINBASE_PORT"
    return wanted


def refuse_taken_ports(wanted: dict[str, str], env: dict[str, str]) -> None:
    """Raise Stop, with a command that works, if a port is taken."""
    ports = [name for name in wanted.values() if name]
    taken = [name for name in ports if not _is_free(env, name)]
    if not taken:
        return
    remedy = " ".join(f"{name}={port}" for name, port in _other_ports(taken, env, ports).items())
    *others, last = (f"{env[name]} ({name})" for name in taken)
    in_use = f"Ports {', '.join(others)} and {last} are" if others else f"Port {last} is"
    raise Stop(
        f"{in_use} in use by another program, perhaps by this site in another window.\n"
        f"Stop it, or use other ports:  {remedy} make run"
    )


def _other_ports(taken: list[str], env: dict[str, str], ports: list[str]) -> dict[str, int]:
    """Return a free port for each taken one, different from the ports of the other processes."""
    reserved = {int(env[name]) for name in ports}
    others = {}
    for name in taken:
        port = free_port(int(env[name]) + 1)
        while port in reserved:
            port = free_port(port + 1)
        reserved.add(port)
        others[name] = port
    return others


def _is_free(env: dict[str, str], name: str) -> bool:
    try:
        port = int(env[name])
    except ValueError:
        raise Stop(f"{name} must be a port number, not {env[name]!r}.") from None
    return _can_bind(env["WEB_HOST"] if name == "PORT" else "127.0.0.1", port)


def free_port(first: int = 0) -> int:
    """Return a free port: the first one from `first` upward, or any. Raises Stop if there is none."""
    for port in range(first, 65536) if first else [0]:
        with contextlib.closing(socket.socket()) as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise Stop("No free port found.")


def _can_bind(host: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with contextlib.closing(socket.socket(family)) as probe:
        if os.name == "posix":  # connections in TIME_WAIT do not take the port
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True
