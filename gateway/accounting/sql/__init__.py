"""The SQL of a settlement batch: fixed statements with few values, rows as one JSON text and ids as one list.

The statements are in `postgresql.sql` and `sqlite.sql`. This package, the partitions beside it and the migrations are
the only places that use SQL of their own: through the ORM the same work took three times the CPU of everything else
that a request needs.
"""

from .execution import BoundStatement, as_json, fetch, ids, run
from .statements import Statement, Statements, on_postgresql, statements

__all__ = ["BoundStatement", "Statement", "Statements", "as_json", "fetch", "ids", "on_postgresql", "run", "statements"]
