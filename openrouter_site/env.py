"""Reading settings from the environment and from `.env`.

Every setting ``NAME`` may also be given as ``NAME_FILE``, the path of a file that holds the value
(the usual way to hand secrets to containers).
"""

import ipaddress
import os
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

from common import env_file
from common.storage import redis_servers
from common.storage.postgresql import try_again
from common.web.client_address import Network

__all__ = [
    "SettingsError",
    "boolean",
    "choice",
    "database",
    "integer",
    "networks",
    "price",
    "read_file",
    "redis_url",
    "redis_urls",
    "text",
    "words",
]


class SettingsError(ImproperlyConfigured, SystemExit):
    """A setting is missing, malformed or unsafe. The text is for the operator: the cause, then the remedy.

    A SystemExit too: whatever starts the site then ends with status 1 and prints the text, without a traceback.
    """

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.code = text


def read_file(folder: Path) -> None:
    """Put the variables of `.env` that are not set yet into the environment. Raises SettingsError."""
    try:
        env_file.load(folder)
    except env_file.InvalidFile as error:
        raise SettingsError(str(error)) from error


def text(name: str, default: str = "") -> str:
    """Return the value of NAME, or the stripped content of the file at NAME_FILE."""
    if path := os.environ.get(f"{name}_FILE"):
        try:
            return Path(path).read_text().strip()
        except OSError as error:
            raise SettingsError(f"{name}_FILE: {path} cannot be read ({error.strerror}).") from error
    return os.environ.get(name, default)


def boolean(name: str, default: bool) -> bool:
    """Return a boolean; anything but 1/0, true/false, yes/no, on/off raises SettingsError."""
    value = text(name, "true" if default else "false").strip().lower()
    if value in {"1", "true", "yes", "on"}:
        return True
    if value in {"0", "false", "no", "off", ""}:
        return False
    raise SettingsError(f"{name} must be true or false, not {value!r}.")


def integer(name: str, default: int) -> int:
    """Return an integer; anything else raises SettingsError."""
    value = text(name, str(default)).strip()
    try:
        return int(value)
    except ValueError as error:
        raise SettingsError(f"{name} must be a whole number, not {value!r}.") from error


def price(name: str, default: str) -> Decimal:
    """Return an exact number of dollars, zero or more; anything else raises SettingsError."""
    value = text(name, default).strip()
    try:
        usd = Decimal(value)
    except InvalidOperation:
        usd = Decimal("NaN")
    if not usd.is_finite() or usd < 0:
        raise SettingsError(f"{name} must be a number of dollars such as 0.007, not {value!r}.")
    return usd


def choice(name: str, choices: Sequence[str], default: str) -> str:
    """Return one of the words. Empty counts as unset; any other word raises SettingsError."""
    value = text(name).strip().lower() or default
    if value not in choices:
        raise SettingsError(f"{name} must be one of {', '.join(choices)}, not {value!r}.")
    return value


def words(name: str, default: str = "") -> list[str]:
    """Return a comma-separated list without empty items."""
    return [word.strip() for word in text(name, default).split(",") if word.strip()]


def redis_url(name: str, default: str = "") -> str:
    """Return the address of a Redis; one without a known form raises SettingsError. Empty counts as unset."""
    return next(iter(redis_urls(name, default)), "")


def redis_urls(name: str, default: str = "") -> list[str]:
    """Return the addresses of Redis servers, separated by spaces, each as `redis_url` does."""
    found = (text(name).strip() or default).split()
    for url in found:
        try:
            redis_servers.check(url)
        except redis_servers.InvalidAddress as error:
            raise SettingsError(f"{name} {error}") from error
    return found


def networks(name: str) -> list[Network]:
    """Return a comma-separated list of networks in CIDR notation; a single address is a network too.

    Raises SettingsError for anything else, and for a network that contains every address.
    """
    found = []
    for word in words(name):
        try:
            network = ipaddress.ip_network(word)
        except ValueError as error:
            raise SettingsError(
                f"{name} must list networks such as 10.0.0.5 or 10.0.0.0/24, separated by commas: {error}."
            ) from error
        if network.prefixlen == 0:
            raise SettingsError(f"{name} must not contain {word}: that would trust every sender.")
        found.append(network)
    return found


#: Notice a server that has vanished without a word within half a minute, instead of libpq's hours.
_NETWORK_OPTIONS = {
    "connect_timeout": "3",
    "keepalives_idle": "15",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "30000",
}


def database(url: str, pool_size: int = 0) -> dict[str, Any]:
    """Return Django's DATABASES entry for a URL.

    ``postgres://user:password@host:port/name?option=value`` (options go to libpq) or
    ``sqlite:///relative/path`` (``sqlite:////absolute/path``). `pool_size` bounds the connections of each process to
    PostgreSQL; 0 opens one for each use.
    """
    parts = urlsplit(url)
    if parts.scheme == "sqlite":
        return sqlite(Path(unquote(parts.path)[1:]))
    if parts.scheme in {"postgres", "postgresql"}:
        options: dict[str, Any] = dict(parse_qsl(parts.query))
        return {
            "ENGINE": "common.storage.postgresql",
            "NAME": unquote(parts.path[1:]),
            "USER": unquote(parts.username or ""),
            "PASSWORD": unquote(parts.password or ""),
            "HOST": options.pop("host", parts.hostname or ""),
            "PORT": str(parts.port or ""),
            "CONN_MAX_AGE": 0,  # each use returns its connection to the pool
            "OPTIONS": _NETWORK_OPTIONS | options | {"pool": _pool(pool_size)},
        }
    raise SettingsError(
        "DATABASE_URL must start with postgres:// or sqlite:///, for example "
        "postgres://gateway:secret@localhost:5432/gateway."
    )


def _pool(size: int) -> dict[str, Any] | None:
    """Return the options of a process's pool, or None without one."""
    if size == 0:
        return None
    if size < 2:
        raise SettingsError("DATABASE_POOL_SIZE must be 0 (no pool) or at least 2: settlement keeps one.")
    return {
        "min_size": 0,  # an idle process keeps what it has used, and closes one of them every ten minutes
        "max_size": size,
        "timeout": 3.0,  # seconds that a request waits for a connection before it gets 503
        "reconnect_timeout": 0.0,
        "reconnect_failed": try_again,
    }


def sqlite(path: Path) -> dict[str, Any]:
    """Return the DATABASES entry of a SQLite file, set up for several writing processes.

    IMMEDIATE transactions take the write lock at BEGIN: without that, two transactions that both
    read and then write cannot be ordered and one fails at once, whatever the timeout.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": path,
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "timeout": 30,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-20000;",
        },
        # A file, not memory: the settlement writer and live servers use connections of their own.
        "TEST": {"NAME": path.parent / "test.sqlite3"},
    }
