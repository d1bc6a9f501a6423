"""Paths of the project, and the environment variables of the site's processes."""

import os
import subprocess
from pathlib import Path

from common import env_file
from scripts.progress import Stop

__all__ = ["ROOT", "VENV", "call", "data_dir", "production_settings", "python", "variables"]

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")

DEFAULTS = {
    "PORT": "8000",
    "WEB_HOST": "127.0.0.1",
    "SANDBOX_PROVIDERS_PORT": "8010",
    "SANDBOX_STRIPE_PORT": "8020",
    "SANDBOX_COINBASE_PORT": "8021",
}


def python() -> str:
    """Return the path of the virtual environment's Python."""
    return str(BIN / ("python.exe" if os.name == "nt" else "python"))


def variables(*, settings: bool = True) -> dict[str, str]:
    """Return the environment of the site's processes: defaults, then `.env`, then the caller's own variables.

    With `settings=False`, these processes ignore `.env`: tests and checks must neither depend on it nor use the keys
    in it. Raises Stop if `.env` is malformed.
    """
    if settings:
        try:
            env = DEFAULTS | env_file.unset_variables(ROOT, os.environ) | os.environ
        except env_file.InvalidFile as error:
            raise Stop(str(error)) from error
    else:
        env = DEFAULTS | os.environ | {"ENV_FILE": ""}
    env.pop("PYTHONHOME", None)
    env.pop("PYTHONDONTWRITEBYTECODE", None)  # otherwise every process would compile the whole site again
    env["PATH"] = os.pathsep.join([str(BIN), env.get("PATH", os.defpath)])
    env["VIRTUAL_ENV"] = str(VENV)
    env["PYTHONUNBUFFERED"] = "1"
    env["DATA_DIR"] = str((ROOT / (env.get("DATA_DIR") or "var")).resolve())
    return env


def data_dir() -> str:
    """Return the path of the folder with the site's data."""
    return variables()["DATA_DIR"]


def production_settings() -> dict[str, str]:
    """Return variables that satisfy the production checks, for commands that connect to nothing."""
    return {
        "DEBUG": "false",
        "EMAIL_HOST": "mail.example.com",
        "SECRET_KEY": "only for checks, so that nothing real has to be at hand: Zq7#vR2!kM9",
        "DATABASE_URL": "postgres://gateway:gateway@db.example.com/gateway",
        "REDIS_URL": "redis://cache.example.com/0",
        "SITE_URL": "https://gateway.example.com",
        "ALLOWED_HOSTS": "gateway.example.com",
        "STRIPE_SECRET_KEY": "sk_live_example",
        "STRIPE_WEBHOOK_SECRET": "whsec_example",
        "SANDBOX_PROVIDERS_URL": "",
    }


def call(command: list[str], env: dict[str, str]) -> int:
    """Run a command on the caller's terminal. Return its exit code."""
    return subprocess.call(command, env=env, cwd=ROOT)
