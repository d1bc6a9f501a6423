"""Reading usage from a streaming replica of the database, where DATABASE_REPLICA_URL names one.

A view with `@reads` reads the tables of READ_THERE from the replica, as long as the replica has everything that was
committed DATABASE_REPLICA_MAX_LAG seconds ago; else, and after any error of the replica, from the primary. All other
tables, everything inside a transaction, and every view without `@reads` use the primary: permissions, balances and
limits are never decided by old data.
"""

import logging
from collections import deque
from collections.abc import Callable
from contextvars import ContextVar
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, Error, connections
from django.db.models import Model

from common.clock import monotonic
from common.storage.fresh_cache import FreshCache

__all__ = ["ALIAS", "Router", "Standby", "reads", "standby", "usage_connection"]

log = logging.getLogger(__name__)

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

ALIAS = "replica"
#: Tables of usage. Nothing that is decided depends on them: balances and limits have columns of their own.
READ_THERE = frozenset(
    {
        "activity.app",
        "activity.appday",
        "activity.apptitle",
        "activity.modelday",
        "activity.rankedday",
        "activity.standing",
        "activity.useday",
        "gateway.generation",
        "gateway.usageday",
        "gateway.usagehour",
        "gateway.usagemonth",
        "gateway.usagerollup",
    }
)

_reading: ContextVar[bool] = ContextVar("reading_the_replica", default=False)


class Standby:
    """Knows until when the replica may be read. Asks at most once a second, one caller for all of the process.

    A replica that has replayed the primary's log up to a position, which was the primary's own at some time, has
    everything that was committed before that time. So neither clocks nor an idle primary matter.
    """

    CHECK_SECONDS = 1.0
    #: Seconds for which a replica that failed is left alone.
    RETRY_SECONDS = 10.0

    def __init__(
        self, primary: str = DEFAULT_DB_ALIAS, alias: str = ALIAS, *, clock: Callable[[], float] = monotonic
    ) -> None:
        self._primary, self._alias = primary, alias
        self._clock = clock
        self._usable_until: FreshCache[str, float] = FreshCache(fresh_seconds=self.CHECK_SECONDS, clock=clock)
        self._positions: deque[tuple[float, int]] = deque(maxlen=120)  # (time, the primary's position then)
        self._retry_at = 0.0
        self._works = True

    def is_usable(self) -> bool:
        """Return whether the replica works, and what it lacks is at most DATABASE_REPLICA_MAX_LAG seconds old."""
        until, stale = self._usable_until.lookup(self._alias)
        now = self._clock()
        if (until is None or stale) and now >= self._retry_at:
            try:
                until = self._check(now)
            except Error as error:
                self.failed(error)
        return until is not None and now < until and now >= self._retry_at

    def failed(self, error: Exception) -> None:
        """Leave it alone for RETRY_SECONDS, after this error."""
        self._retry_at = self._clock() + self.RETRY_SECONDS
        self._log(False, type(error).__name__)

    def _check(self, now: float) -> float:
        """Ask both servers; return the time until which the replica may be read."""
        (primary,) = _row(self._primary, "SELECT pg_current_wal_lsn()")
        self._positions.append((now, _number(primary)))
        (replayed,) = _row(self._alias, "SELECT pg_last_wal_replay_lsn()")  # NULL where nothing is replayed
        had = [at for at, position in self._positions if replayed and position <= _number(replayed)]
        until = max(had, default=float("-inf")) + settings.DATABASE_REPLICA_MAX_LAG
        self._usable_until.put(self._alias, until, read_at=now)
        self._log(until > now, "it lags behind" if replayed else "it is no replica")
        return until

    def _log(self, works: bool, why: str) -> None:
        if works != self._works:
            log.warning("usage is read from the %s", "replica again" if works else f"primary: the replica ({why})")
        self._works = works


standby = Standby()


class Router:
    """Django's choice of the database for each query."""

    def db_for_read(self, model: type[Model], **_: Any) -> str:
        """Return the replica inside `reads`, for a table of usage."""
        return _alias() if model._meta.label_lower in READ_THERE else DEFAULT_DB_ALIAS

    def db_for_write(self, *_: Any, **__: Any) -> str:
        return DEFAULT_DB_ALIAS

    def allow_relation(self, *_: Any, **__: Any) -> bool:
        return True

    def allow_migrate(self, db: str, *_: Any, **__: Any) -> bool:
        return db == DEFAULT_DB_ALIAS


def reads(view: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """Let a view that changes nothing read usage from the replica. If that fails, it is called again for the primary.

    A response that streams is read after the view has returned, from the primary.
    """

    @wraps(view)
    def wrapper(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        if ALIAS not in connections or not standby.is_usable():
            return view(*args, **kwargs)
        token = _reading.set(True)
        try:
            return view(*args, **kwargs)
        except Error as error:
            standby.failed(error)
        finally:
            _reading.reset(token)
        return view(*args, **kwargs)

    return wrapper


def usage_connection() -> Any:
    """Return the connection for SQL that reads nothing but tables of usage."""
    return connections[_alias()]


def _alias() -> str:
    return ALIAS if _reading.get() and not connections[DEFAULT_DB_ALIAS].in_atomic_block else DEFAULT_DB_ALIAS


def _row(alias: str, query: str) -> Any:
    with connections[alias].cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchone()


def _number(position: str) -> int:
    """Return a position of PostgreSQL's log, such as `16/B374D848`, as a number."""
    high, low = position.split("/")
    return int(high, 16) << 32 | int(low, 16)
