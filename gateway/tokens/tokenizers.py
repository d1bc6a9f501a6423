"""Token counts by OpenAI's vocabularies. Counting takes milliseconds: call it in a thread, not in the event loop.

The counts are exact for OpenAI's models. For other models they are the best that works without a download, usually
within 20%. If the package is not installed, every four characters count as a token.
"""

import logging
import re
from collections.abc import Sequence
from functools import cache
from typing import Any, Protocol

from models_catalog.catalog import ModelEntry

__all__ = ["count", "find_package", "vocabulary_of"]

log = logging.getLogger(__name__)

#: OpenAI's models before GPT-4o.
_OLDER = re.compile(r"openai/gpt-(3\.5|4(?![.o\d]))")
#: Tokenizers whose vocabularies extend that of OpenAI's older models.
_DESCENDANTS = frozenset({"Llama3", "Qwen", "Qwen3"})


class BatchCount(Protocol):
    def __call__(self, texts: list[str], encoding: str, threads: int) -> list[int]: ...


def vocabulary_of(model: ModelEntry) -> str:
    """The name of the vocabulary to count with for this model: its own, or the most similar one."""
    return "cl100k_base" if _OLDER.match(model.id) or model.tokenizer in _DESCENDANTS else "o200k_base"


def count(texts: Sequence[str], vocabulary: str) -> tuple[int, bool]:
    """(tokens of all texts together, whether they were only measured by length)."""
    if batch_count := find_package():
        try:
            return sum(batch_count([_valid(text) for text in texts], vocabulary, 1)), False
        except Exception as error:
            log.error("counting tokens failed (%s): estimating from the length of texts", type(error).__name__)
    return sum(-(-len(text) // 4) for text in texts), True


@cache
def find_package() -> BatchCount | None:
    """The counting function of the package; None if it is not installed."""
    try:
        import toktok
    except ImportError:
        log.warning("toktok-rs is not installed: missing token counts are estimated from the length of texts")
        return None
    found: Any = toktok.batch_count
    return found  # type: ignore[no-any-return]


def _valid(text: str) -> str:
    # A JSON string can contain half of a surrogate pair, which has no UTF-8.
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
