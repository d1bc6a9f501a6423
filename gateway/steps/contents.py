"""Storing contents beside the requests: encrypted in a thread, and written in batches by a thread of its own.

No request waits for it. What waits to be written is bounded: beyond that, contents are lost, and the log says how many.
"""

import asyncio
import logging

from django.conf import settings

from common.telemetry import logs
from gateway.accounting.batch_writer import BatchWriter
from gateway.accounting.rows import GenerationRow
from gateway.content import Recording
from gateway.content.stored import ContentRow, sealed, store

__all__ = ["ContentQueue", "queue"]

log = logging.getLogger(__name__)

#: Bytes that may wait to be written.
MAX_WAITING = 64 * 1024 * 1024


class ContentQueue:
    """Stores the contents of this process's requests."""

    def __init__(self) -> None:
        self._writer: BatchWriter[ContentRow] = BatchWriter(store)
        self._waiting = 0  # bytes

    async def keep(self, recording: Recording, generation: GenerationRow) -> None:
        """Store the content of a settled request. A fault is logged, without a word of the content."""
        try:
            content = await asyncio.to_thread(_sealed, recording)
            if self._waiting + len(content) > MAX_WAITING:
                log.error("the content of %s is not stored: too much waits to be written", generation.id)
                return
            self._waiting += len(content)
            try:
                await self._writer.submit(
                    ContentRow(generation.id, generation.account_id, generation.created_at, content)
                )
            finally:
                self._waiting -= len(content)
        except Exception as error:
            log.error("a content could not be stored: %s at %s", type(error).__name__, logs.place(error))

    def close(self) -> None:
        """Write what waits, then end the writer's thread; the next content starts a new one."""
        self._writer.close()


def _sealed(recording: Recording) -> bytes:
    return sealed(recording.content(settings.LOGGING_MAX_FILE_BYTES))


#: This process's queue.
queue = ContentQueue()
