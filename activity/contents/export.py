"""JSON Lines of everything that is stored of an account, oldest first."""

import json
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime

from common.storage import database
from gateway.content import content_json, stored
from gateway.models import Generation, StoredContent

__all__ = ["content_lines"]

#: Contents that are in memory at a time: some have megabytes.
BATCH = 50


async def content_lines(account_id: int) -> AsyncIterator[str]:
    """Yield a line for each content: batch after batch, each read when the one before is sent.

    One that can't be decrypted has a sentence in `unreadable` instead of its content.
    """
    moment, pk = datetime.min.replace(tzinfo=UTC), ""
    while True:
        found, lines = await database.run(_batch, account_id, moment, pk)
        if not found:
            return
        yield lines
        moment, pk = found


def _batch(account_id: int, moment: datetime, pk: str) -> tuple[tuple[datetime, str] | None, str]:
    """((time, ID) of the last content of the batch, or None after the last batch; its lines)."""
    rows = stored.after(account_id, moment, pk, BATCH)
    if not rows:
        return None, ""
    return (rows[-1].created_at, rows[-1].pk), "".join(_lines(rows))


def _lines(rows: list[StoredContent]) -> Iterator[str]:
    requests = Generation.objects.in_bulk([row.pk for row in rows])
    for row in rows:
        line: dict[str, object] = {"id": row.pk, "created_at": row.created_at.isoformat()}
        if request := requests.get(row.pk):
            line["model"] = request.model or request.requested_model
        try:
            line |= content_json(stored.opened(row))
        except stored.Unreadable:
            line["unreadable"] = "This site no longer has the key that this was encrypted with."
        yield json.dumps(line, ensure_ascii=False) + "\n"
