"""The provider dialects of OpenAI's embeddings protocol and of the rerank protocol. Data only."""

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["DIALECTS", "PLAIN", "Dialect"]


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """One provider's version of the protocols. The defaults suit most that claim to speak them."""

    #: The provider takes token IDs of OpenAI's vocabularies. Servers of other models have other vocabularies.
    takes_tokens: bool = False
    #: The provider sends vectors in base64 when asked to. Others send lists of numbers, which are encoded here.
    sends_base64: bool = False
    #: The request field that sets the number of dimensions.
    dimensions_field: str = "dimensions"
    #: The path of the rerank operation, below the provider's address.
    rerank_path: str = "/rerank"


#: The dialect of providers without an entry.
PLAIN = Dialect()

_OPENAI = Dialect(takes_tokens=True, sends_base64=True)

#: By the provider's slug in the catalog.
DIALECTS: Mapping[str, Dialect] = {
    "azure": _OPENAI,
    "mistral": Dialect(sends_base64=True, dimensions_field="output_dimension"),
    "novita": Dialect(rerank_path="/v1/rerank"),
    "openai": _OPENAI,
}
