"""A rerank request: parsed and checked once."""

from typing import Annotated, Any, ClassVar

import msgspec
from msgspec import Meta

from gateway.protocols.chat_completions.body import Positive
from gateway.protocols.chat_completions.request import ChatRequest
from gateway.protocols.json_text import read_object
from gateway.protocols.tasks import TaskBody, common_fields, invalid, read_body

__all__ = ["MAX_DOCUMENTS", "RerankRequest", "parse"]

#: Documents of one request. Cohere recommends at most 1,000 and accepts 10,000.
MAX_DOCUMENTS = 10_000


class _Document(msgspec.Struct):
    text: str | None = None
    image: str | None = None


class _Body(TaskBody, kw_only=True):
    query: Annotated[str, Meta(min_length=1)]
    documents: Annotated[list[str | _Document], Meta(min_length=1, max_length=MAX_DOCUMENTS)]
    top_n: Positive | None = None


class RerankRequest(ChatRequest, frozen=True, kw_only=True):
    """A checked rerank request. `messages` has one message for the query, then one for each document."""

    task: ClassVar[str] = "rerank"

    query: str
    documents: list[str]
    top_n: int | None

    def place(self, part: int) -> str:
        return f"$.documents[{part}]"

    def caches_for_an_hour(self) -> bool:
        return False


def parse(body: bytes | dict[str, Any]) -> RerankRequest:
    """The request in a JSON body: bytes, whatever their Content-Type, or a decoded object.

    Raises InvalidRequest, which names the place and the reason of the first fault.
    """
    raw = read_object(body, '{"model": ..., "query": ..., "documents": [...]}')
    checked = read_body(raw, _Body)
    documents = [_text(document, index) for index, document in enumerate(checked.documents)]
    return RerankRequest(
        **common_fields(raw, checked),
        messages=[{"role": "user", "content": text} for text in (checked.query, *documents)],
        query=checked.query,
        documents=documents,
        top_n=checked.top_n,
    )


def _text(document: str | _Document, index: int) -> str:
    if isinstance(document, str):
        return document
    if document.image is not None:
        raise invalid("no model here ranks images; send `text`", f"$.documents[{index}].image")
    if document.text is None:
        raise invalid("`text` is required", f"$.documents[{index}]")
    return document.text
