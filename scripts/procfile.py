"""Run the processes of the Procfile that the arguments name, until one exits or the user stops them.

Runs with the virtual environment's Python, because honcho is installed there.
"""

import os
import re
import signal
import sys
import threading
import time
import urllib.error
import urllib.request
from collections import defaultdict, deque
from collections.abc import Mapping
from string import Template
from typing import Any

from honcho.environ import parse_procfile
from honcho.manager import Manager
from honcho.printer import Printer

from scripts.environment import ROOT

__all__ = ["run"]

LAST_LINES = 20


class Output(Printer):  # type: ignore[misc]
    """Prints the lines of every process; keeps the last lines of each and the first process that exited."""

    def __init__(self) -> None:
        super().__init__(sys.stdout)
        self.last_lines: dict[str, deque[str]] = defaultdict(lambda: deque(maxlen=LAST_LINES))
        self.exited: tuple[str, int] | None = None  # the first process that exited, and its exit code
        self.stop_requested = False

    def write(self, message: Any) -> None:
        if message.name != "system":
            text = message.data.decode("utf-8", "replace") if isinstance(message.data, bytes) else message.data
            self.last_lines[message.name].append(text.rstrip("\n"))
            super().write(message)
        elif re.match(r"SIG\w+ received", message.data):
            self.stop_requested = True
            print("\nStopping ...", flush=True)
        elif (found := re.match(r"(\S+) stopped \(rc=(-?\d+)\)", message.data)) and not self.exited:
            self.exited = found[1], int(found[2])


def run(names: list[str], env: Mapping[str, str]) -> int:
    """Run the named processes. Return 0 if the user stopped them; else print which one exited first and return 1."""
    commands = parse_procfile((ROOT / "Procfile").read_text()).processes
    output = Output()
    manager = Manager(output)
    for name in names:
        # A POSIX shell expands the variables itself; the Windows shell has another syntax for them.
        command = commands[name] if os.name == "posix" else Template(commands[name]).safe_substitute(env)
        manager.add_process(name, command, env=dict(env), cwd=str(ROOT))
    if hasattr(signal, "SIGHUP"):  # the terminal was closed
        signal.signal(signal.SIGHUP, lambda *_: os.kill(os.getpid(), signal.SIGTERM))
    threading.Thread(target=welcome, args=(names, env, output), daemon=True).start()
    manager.loop()
    if output.stop_requested:
        print("Stopped.")
        return 0
    assert output.exited, "honcho's loop ends after a signal or the exit of a process"
    name, code = output.exited
    print(f"\n{name} exited unexpectedly (code {code}), so all processes were stopped. Its last lines:\n")
    print("\n".join(f"  {line}" for line in output.last_lines[name]))
    return 1


def welcome(names: list[str], env: Mapping[str, str], output: Output) -> None:
    """Wait until the site responds, then print its address and what is simulated."""
    address = f"http://127.0.0.1:{env['PORT']}"
    while not _responds(f"{address}/"):
        time.sleep(0.2)
        if output.stop_requested or output.exited:
            return
    sandboxes = {"providers": "model responses", "stripe": "payments"}
    simulated = [what for name, what in sandboxes.items() if name in names]
    lines = [f"The site is running:  {address}", ""]
    if not env.get("EMAIL_HOST"):
        lines.append("Sign up with any email address. Emails are printed here, by `web` and `worker`.")
    if simulated:
        lines.append(f"Simulated until you set real API keys (see .env.example): {' and '.join(simulated)}.")
    if "stripe" in names:
        lines.append("Card for the simulated checkout: 4242 4242 4242 4242, any future date, any CVC.")
    if "coinbase" in names:
        lines.append("USDC payments are simulated too: confirm them with one click.")
    lines.append("Press Ctrl+C to stop.")
    rule = "-" * 96
    print("\n".join(["", rule, *(f"  {line}" for line in lines), rule, ""]), flush=True)


def _responds(url: str) -> bool:
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(url, timeout=30):
            return True
    except urllib.error.HTTPError as error:
        return error.code < 500
    except OSError:
        return False


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:], os.environ))
