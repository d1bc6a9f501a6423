"""Redis by its address: one server, or the one that Sentinels say is in charge. In one form for all who need it.

    redis://:password@host:6379/0                                        also rediss:// and unix://
    redis+sentinel://:password@one:26379,two:26379,three:26379/mymaster/0?sentinel_password=...

The password is Redis's own. Options after the `?` are `sentinel_password` and `sentinel_username`. A connection asks
the Sentinels when it is made, so that after a failover a broken one is followed by one to the new master.
"""

# The classes for Sentinels have no types.
# mypy: disable-error-code="no-untyped-call"

import socket
import sys
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import redis
import redis.asyncio
import redis.asyncio.sentinel
import redis.sentinel

__all__ = ["InvalidAddress", "Pool", "async_client", "broker_of", "check", "client", "layer_host_of"]

SENTINEL = "redis+sentinel"
#: Options of Celery's connections. Without them the clock, and a worker that starts, wait for ever for a server that
#: hangs or has vanished without a word, also after Sentinels have made another one the master.
BROKER_OPTIONS: dict[str, Any] = {"socket_timeout": 10.0, "socket_connect_timeout": 5.0, "socket_keepalive": True}
if sys.platform == "linux":  # a worker that waits for messages finds out after a minute, instead of two hours
    BROKER_OPTIONS["socket_keepalive_options"] = {
        socket.TCP_KEEPIDLE: 30, socket.TCP_KEEPINTVL: 10, socket.TCP_KEEPCNT: 3,
    }  # fmt: skip
#: Seconds after which a Sentinel that does not answer counts as away, and the next is asked.
SENTINEL_SECONDS = 1.0


class InvalidAddress(ValueError):
    """The address has none of the known forms. The text is for the operator."""


@dataclass(frozen=True)
class _Sentinels:
    """A `redis+sentinel://` address."""

    hosts: list[tuple[str, int]]
    master: str
    connection: dict[str, Any]  # options of connections to Redis: db, username, password
    own: dict[str, Any]  # options of connections to a Sentinel


def check(url: str) -> None:
    """Raise InvalidAddress unless the address has a known form."""
    scheme = url.partition("://")[0]
    if scheme in {"redis+cluster", "rediss+cluster"}:
        raise InvalidAddress(
            "can't be a cluster: neither Channels nor Celery speaks to one. Divide Redis by purpose instead: "
            "CACHE_REDIS_URL, CHANNELS_REDIS_URL (several servers, separated by spaces) and BROKER_REDIS_URL."
        )
    if scheme == SENTINEL:
        _sentinels(url)
    elif scheme not in {"redis", "rediss", "unix"}:
        raise InvalidAddress(f"must begin with redis://, rediss://, unix:// or {SENTINEL}://, not {scheme!r}.")


def client(url: str, **options: Any) -> redis.Redis:
    """Return a client for threads; `options` are those of its connections."""
    return redis.Redis(connection_pool=Pool.from_url(url, **options))


class Pool:
    """The pool of connections for Django's cache, which asks a class for it."""

    @staticmethod
    def from_url(url: str, **options: Any) -> redis.ConnectionPool:
        """Return a pool of connections to the address."""
        if not _is_sentinel(url):
            return redis.ConnectionPool.from_url(url, **options)
        found = _sentinels(url)
        manager = redis.sentinel.Sentinel(found.hosts, sentinel_kwargs=found.own)
        return redis.sentinel.SentinelConnectionPool(found.master, manager, **found.connection, **options)


def async_client(url: str, *, max_connections: int, timeout: float) -> redis.asyncio.Redis:
    """Return a client for the running event loop. A slow server counts as away after `timeout` seconds."""
    options: dict[str, Any] = {"socket_timeout": timeout, "socket_connect_timeout": timeout}
    if not _is_sentinel(url):
        pool = redis.asyncio.BlockingConnectionPool.from_url(
            url, max_connections=max_connections, timeout=timeout, **options
        )
        return redis.asyncio.Redis(connection_pool=pool)
    found = _sentinels(url)
    manager = redis.asyncio.sentinel.Sentinel(found.hosts, sentinel_kwargs=found.own)
    managed = redis.asyncio.sentinel.SentinelConnectionPool(found.master, manager, **found.connection, **options)
    return redis.asyncio.Redis(connection_pool=managed)


def layer_host_of(url: str) -> str | dict[str, Any]:
    """Return the address as Channels takes it."""
    if not _is_sentinel(url):
        return url
    found = _sentinels(url)
    return {
        "sentinels": found.hosts,
        "master_name": found.master,
        "sentinel_kwargs": found.own,
        **found.connection,
    }


def broker_of(url: str) -> tuple[str, dict[str, Any]]:
    """Return the address as Celery takes it, and its transport options."""
    if not _is_sentinel(url):
        return url, {**BROKER_OPTIONS}
    found = _sentinels(url)
    secret = urlsplit(url).netloc.rpartition("@")[0]
    at = f"{secret}@" if secret else ""
    addresses = ";".join(f"sentinel://{at}{host}:{port}/{found.connection['db']}" for host, port in found.hosts)
    return addresses, {"master_name": found.master, "sentinel_kwargs": found.own, **BROKER_OPTIONS}


def _is_sentinel(url: str) -> bool:
    return url.startswith(f"{SENTINEL}://")


def _sentinels(url: str) -> _Sentinels:
    parts = urlsplit(url)
    secret, _, places = parts.netloc.rpartition("@")
    username, _, password = secret.partition(":")
    hosts = []
    for place in places.split(","):
        host, colon, port = place.rpartition(":")
        if not host or not colon or not port.isdecimal():
            raise InvalidAddress(f"must name each Sentinel as host:port, not {place!r}.")
        hosts.append((host.strip("[]"), int(port)))
    master, _, number = parts.path.lstrip("/").partition("/")
    if not master or not (number or "0").isdecimal():
        raise InvalidAddress(f"must end with the master's name and a number, as in {SENTINEL}://host:26379/mymaster/0.")
    asked = dict(parse_qsl(parts.query))
    own: dict[str, Any] = {"socket_timeout": SENTINEL_SECONDS, "socket_connect_timeout": SENTINEL_SECONDS}
    for name in ("username", "password"):
        if value := asked.pop(f"sentinel_{name}", ""):
            own[name] = value
    if asked:
        raise InvalidAddress(f"has unknown options: {', '.join(sorted(asked))}.")
    connection: dict[str, Any] = {"db": int(number or 0)}
    connection |= {"username": unquote(username)} if username else {}
    connection |= {"password": unquote(password)} if password else {}
    return _Sentinels(hosts, master, connection, own)
