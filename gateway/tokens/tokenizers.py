"""Counting the tokens of an answer whose provider has not. For threads: it takes milliseconds, not for the event loop.

OpenAI's own vocabularies give its models' exact counts. For other models they are the nearest thing that can be had
without a download, usually within a fifth. Where the package is missing, every four characters are a token.
"""

import logging
import re
from collections.abc import Sequence
from functools import cache
from typing import Any, Protocol

from models_catalog.catalog import ModelEntry

__all__ = ["count", "vocabulary_of"]

log = logging.getLogger(__name__)

#: OpenAI's models before GPT-4o.
_OLDER = re.compile(r"openai/gpt-(3\.5|4(?![.o\d]))")
#: Tokenizers whose vocabularies grew out of that of OpenAI's older models.
_DESCENDANTS = frozenset({"Llama3", "Qwen", "Qwen3"})


class _Count(Protocol):
    def __call__(self, texts: list[str], encoding: str, threads: int) -> list[int]: ...


def vocabulary_of(model: ModelEntry) -> str:
    """The name of the vocabulary that counts for this model."""
    return "cl100k_base" if _OLDER.match(model.id) or model.tokenizer in _DESCENDANTS else "o200k_base"


def count(texts: Sequence[str], vocabulary: str) -> tuple[int, bool]:
    """(tokens of all the texts, whether they were only measured by their length)."""
    if batch_count := _package():
        try:
            return sum(batch_count([_valid(text) for text in texts], vocabulary, 1)), False
        except Exception as error:
            log.error("counting tokens failed: %s", type(error).__name__)
    return sum(-(-len(text) // 4) for text in texts), True


@cache
def _package() -> _Count | None:
    try:
        import toktok
    except ImportError:
        log.warning("The package toktok-rs is not installed: missing token counts are guessed from lengths.")
        return None
    found: Any = toktok.batch_count
    return found  # type: ignore[no-any-return]


def _valid(text: str) -> str:
    # JSON may hold half of a surrogate pair, which is no text.
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
