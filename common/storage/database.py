"""Threads that use the database outside a Django request. Each returns its connection after each call.

`run` is the only way from async code to the database: tests/common/storage/test_database.py finds any other.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from time import monotonic
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast

from asgiref.sync import SyncToAsync
from django.db import connection, connections
from django.db.migrations.executor import MigrationExecutor

from common.errors import ServiceUnavailable

if TYPE_CHECKING:
    from common.storage.postgresql.base import DatabaseWrapper as PostgresqlWrapper

__all__ = ["close_for_good", "close_pool", "pending_migrations", "release", "run"]

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

#: Threads for calls that belong to no Django request. The calls are short, and Python runs one thread at a time.
THREADS = 4
#: Seconds that a call may wait for a thread. During an outage each thread waits for a connection.
MAX_WAIT = 3.0


async def run(function: Callable[Parameters, Result], /, *args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
    """Call `function` on a thread that may use the database, and return its connection to the pool.

    Inside a Django request (or a test's transaction) that is the request's thread. Raises ServiceUnavailable if no
    thread gets free for MAX_WAIT seconds.
    """
    return await _Call(function)(*args, **kwargs)


class _Call(SyncToAsync[Parameters, Result]):
    # asgiref runs calls that belong to no request on one thread, one after another.
    single_thread_executor = ThreadPoolExecutor(THREADS, thread_name_prefix="database")

    def __init__(self, function: Callable[Parameters, Result]) -> None:
        super().__init__(function)
        self._give_up_at = monotonic() + MAX_WAIT

    def thread_handler(self, *args: Any, **kwargs: Any) -> Any:
        if monotonic() > self._give_up_at:
            raise ServiceUnavailable
        try:
            return super().thread_handler(*args, **kwargs)  # type: ignore[no-untyped-call]
        finally:
            release()


def release() -> None:
    """Return this thread's connections to the pool, except inside a transaction. The next query borrows one again.

    Call it before a wait for another service: a bounded pool serves many requests only if none keeps what it does not
    use. SQLite has no pool, and opening its file again takes longer than a short query.
    """
    for each in connections.all(initialized_only=True):
        if each.vendor == "postgresql" and not each.in_atomic_block:
            each.close_if_unusable_or_obsolete()


def close_pool() -> None:
    """Close this process's pool before it ends. Waits for its threads."""
    for each in connections.all():
        if each.vendor == "postgresql":
            each.close()
            cast("PostgresqlWrapper", each).close_pool()


def close_for_good() -> None:
    """Close this thread's connection instead of returning it to the pool: it is broken, or has settings of its own."""
    for each in connections.all(initialized_only=True):
        if each.vendor == "postgresql":
            cast("PostgresqlWrapper", each).close_for_good()
        else:
            each.close()


def pending_migrations() -> list[str]:
    """Return the migrations that the database lacks, as "app.name". Takes a tenth of a second."""
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _ in plan]
