"""CSV of the sessions of the logs. Cost is in dollars with every digit; times name their zone."""

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from datetime import UTC, tzinfo

from common.money import PicoUsd, as_usd
from common.storage import database
from common.web.csv_export import csv_line

from .search import Session

__all__ = ["BATCH", "session_lines"]

#: Sessions that are in memory at a time.
BATCH = 1000
_COLUMNS = ("session_id", "first_request", "last_request", "requests", "tokens", "cost_usd")


async def session_lines(sessions_after: Callable[[str], Sequence[Session]], zone: tzinfo = UTC) -> AsyncIterator[str]:
    """Yield CSV of every session: batch after batch, each read when the one before is sent.

    `sessions_after` returns the sessions after an ID, in the order of IDs; the first ones for "". Times are in `zone`,
    with its offset.
    """
    yield csv_line(_COLUMNS)
    last = ""
    while found := await database.run(sessions_after, last):
        yield "".join(csv_line(_cells(session, zone)) for session in found)
        last = found[-1].session_id


def _cells(session: Session, zone: tzinfo) -> Iterable[object]:
    first, last = (moment.astimezone(zone).isoformat() for moment in (session.first, session.last))
    return (session.session_id, first, last, session.requests, session.tokens, as_usd(PicoUsd(session.cost)))
