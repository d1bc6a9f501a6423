"""Exchanges with PostgreSQL, below psycopg's cursors: their bookkeeping takes a quarter of the CPU of a batch."""

from collections.abc import Iterable, Sequence
from typing import Any

from psycopg import Connection
from psycopg.adapt import Transformer
from psycopg.errors import error_from_result
from psycopg.generators import execute
from psycopg.pq import Escaping, ExecStatus, TransactionStatus
from psycopg.pq.abc import PGresult

__all__ = ["Session"]


class Session:
    """A connection in use by one thread."""

    def __init__(self, connection: "Connection[Any]") -> None:
        self.connection = connection
        self._pgconn = connection.pgconn
        self._literal = Escaping(self._pgconn).escape_literal
        self._loading = Transformer.from_context(connection)

    def exchange(self, text: str, values: Iterable[str]) -> Sequence[PGresult]:
        """Send statements with a %s for each value, all at once; returns their results. Raises psycopg's errors."""
        if not self.connection.autocommit and self._pgconn.transaction_status == TransactionStatus.IDLE:
            self.connection.execute("SELECT 1")  # begins the transaction
        self._pgconn.send_query(text.encode() % tuple([self._literal(value.encode()) for value in values]))
        results: Sequence[PGresult] = self.connection.wait(execute(self._pgconn))
        if results[-1].status == ExecStatus.FATAL_ERROR:  # the statements after it were not executed
            raise error_from_result(results[-1])
        return results

    def rows(self, result: PGresult) -> list[Any]:
        """The rows of a result, with Python's values; none of a statement that returns no rows."""
        self._loading.set_pgresult(result)
        return self._loading.load_rows(0, result.ntuples, tuple)
