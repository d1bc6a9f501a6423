"""Progress on the terminal: one line per step, and its output only if it fails."""

import re
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path

__all__ = ["Stop", "say", "step"]


class Stop(Exception):
    """The command cannot continue. The text is for the user: the cause, then the remedy."""


def say(text: str) -> None:
    """Print and flush, so that a pipe gets the text at once."""
    print(text, flush=True)


def step(
    title: str,
    command: list[str],
    *,
    env: Mapping[str, str],
    cwd: Path,
    counted: str = "",
    total: int = 0,
) -> tuple[int, str]:
    """Run a command while one line shows its progress. Return its exit code and its output.

    With a pattern in `counted`, the line shows how many output lines match it, of `total`.
    """
    lines: list[str] = []
    started = time.monotonic()
    on_screen = sys.stdout.isatty()
    if not on_screen:
        say(f"{title} ...")
    with subprocess.Popen(
        command,
        env=dict(env),
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        assert process.stdout is not None
        reader = threading.Thread(target=lines.extend, args=(process.stdout,), daemon=True)
        reader.start()
        try:
            while reader.is_alive():
                reader.join(0.2)
                if on_screen:
                    done = sum(bool(re.match(counted, line)) for line in list(lines)) if counted else 0
                    share = f" {min(done, total)} of {total}" if done else ""
                    print(f"\r\033[K{title} ...{share} ({time.monotonic() - started:.0f} s)", end="", flush=True)
            code = process.wait()
        except BaseException:
            process.terminate()
            raise
    outcome = "done" if code == 0 else "FAILED"
    say(f"{chr(13) if on_screen else ''}{title} ... {outcome} ({time.monotonic() - started:.0f} s)")
    return code, "".join(lines)
