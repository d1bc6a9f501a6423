"""Logging of prompts and responses, turned on, and what it has stored."""

import asyncio
from collections.abc import Sequence

from accounts.models import Organisation
from accounts.organisations import logging_consent
from gateway import callers
from gateway.content import stored
from gateway.content.recording import ALL, Content
from gateway.models import StoredContent

__all__ = ["stored_content", "turn_off", "turn_on"]


def turn_on(organisation: Organisation, share: int = ALL, keys: Sequence[str] = ()) -> None:
    """Turn logging on, as its owner would."""
    logging_consent.turn_on(organisation, organisation.personal_of, share, keys)
    callers.clear()


def turn_off(organisation: Organisation) -> None:
    logging_consent.turn_off(organisation, organisation.personal_of)
    callers.clear()


async def stored_content(generation_id: str) -> Content:
    """The content of this request. Waits until it is stored."""
    for _ in range(1500):
        if row := await StoredContent.objects.filter(pk=generation_id).afirst():
            return stored.opened(row)
        await asyncio.sleep(0.02)
    raise AssertionError("the content was not stored")
