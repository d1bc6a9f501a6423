"""Documents of sources as offers: one model at one provider, its prices and limits. Everything is checked here.

Types for the adapters' decoders come first: a value of the wrong type, too long, or with control characters refuses the
document as a whole.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, TypeVar

import msgspec
from django.core.exceptions import ValidationError

from models_catalog.prices.stored import check_pricing, check_tiers
from models_catalog.reference.parameters import PARAMETERS

__all__ = [
    "MODEL_ID",
    "Count",
    "InvalidDocument",
    "Moment",
    "Name",
    "Offer",
    "Slug",
    "Staged",
    "Text",
    "Word",
    "day_of",
    "decode",
    "modalities",
    "parameters",
    "price",
]

#: Control characters, and those that turn the direction of text.
_LINE = r"\A[^\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]*\Z"
_SLUG = r"[a-z0-9][a-z0-9._-]*"
MODEL_ID = rf"\A~?{_SLUG}/{_SLUG}(:[a-z0-9._-]+)?\Z"

Slug = Annotated[str, msgspec.Meta(max_length=100, pattern=rf"\A{_SLUG}\Z")]
#: A provider's own name of a model.
Word = Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=r"\A[!-~]+( [!-~]+)*\Z")]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=_LINE)]
Text = Annotated[str, msgspec.Meta(max_length=200, pattern=_LINE)]
Count = Annotated[int, msgspec.Meta(ge=0, le=1_000_000_000)]
Moment = Annotated[int, msgspec.Meta(ge=0, le=4_000_000_000)]  # unix seconds

#: The most offers of a document.
MAX_OFFERS = 50_000
#: USD per token above which a price is absurd: ten thousand dollars per million tokens. And per request, image, search.
_MOST_PER_TOKEN = Decimal("0.01")
_MOST_PER_UNIT = Decimal(10)
_LAST_DIGIT = Decimal("1E-18")
_UNITS = frozenset({"request", "image", "web_search"})

_MODALITIES = {"text": "text", "image": "image", "file": "file", "pdf": "file", "audio": "audio", "video": "video"}
_OUTPUTS = frozenset({"text", "image", "audio", "embeddings", "rerank"})
_PARAMETERS = frozenset(parameter.name for parameter in PARAMETERS)


T = TypeVar("T")


class InvalidDocument(Exception):
    """A document is refused as a whole. The text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A model at a provider. What is empty or None, the source does not tell."""

    provider: str  # the catalog's slug, or the source's name of an unknown one
    model_id: str = ""
    provider_model_id: str = ""
    tag: str
    name: str
    pricing: Mapping[str, str]
    tiers: list[dict[str, Any]] = field(default_factory=list)
    context_length: int | None = None
    max_completion_tokens: int | None = None
    quantization: str = ""
    supported_parameters: frozenset[str] = frozenset()
    created: int | None = None  # unix seconds
    input_modalities: tuple[str, ...] = ("text",)
    output_modalities: tuple[str, ...] = ("text",)
    reasoning: bool = False
    open_weights: bool | None = None
    knowledge_cutoff: str = ""
    tokenizer: str = ""
    expires_on: date | None = None
    not_new: str = ""  # why the catalog does not take it if it lacks it

    def __str__(self) -> str:
        return f"{self.model_id or self.provider_model_id} at {self.tag}"


@dataclass(frozen=True, slots=True)
class Staged:
    """Everything that a source offers, checked on its own but not yet compared with the catalog."""

    offers: list[Offer]
    etag: str = ""

    def __post_init__(self) -> None:
        if not self.offers:
            raise InvalidDocument("It lists no models.")
        if len(self.offers) > MAX_OFFERS:
            raise InvalidDocument(f"It lists more than {MAX_OFFERS:,} models.")
        seen: set[tuple[str, str, str]] = set()
        for offer in self.offers:
            key = (offer.model_id, offer.provider_model_id, offer.tag)
            if key in seen:
                raise InvalidDocument(f"It lists {offer} twice.")
            seen.add(key)
            try:
                check_pricing({"prompt": "0", "completion": "0", **offer.pricing})
                check_tiers(offer.tiers)
            except ValidationError as error:
                raise InvalidDocument(f"{offer}: {' '.join(error.messages)}") from None


def decode(body: bytes, kind: type[T]) -> T:
    """The document as `kind`. Raises InvalidDocument."""
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError) as error:
        raise InvalidDocument(f"It is not in the format of its kind: {str(error)[:300]}") from None


def price(key: str, usd: Decimal | str | None, *, per: int = 1, about: str) -> str | None:
    """The price as a plain decimal in USD, of a number of USD per `per` tokens; None without one.

    Raises InvalidDocument for a negative or absurd one.
    """
    if usd is None:
        return None
    try:
        amount = Decimal(usd)
    except ArithmeticError:
        raise InvalidDocument(f"{about}: the price of {key} is not a number.") from None
    if not amount.is_finite() or amount < 0:
        raise InvalidDocument(f"{about}: the price of {key} is negative or infinite.")
    if amount > per * (_MOST_PER_UNIT if key in _UNITS else _MOST_PER_TOKEN):
        raise InvalidDocument(f"{about}: the price of {key} is absurdly high.")
    if amount and amount.adjusted() < -15:
        raise InvalidDocument(f"{about}: the price of {key} is absurdly low.")
    # Numbers that passed through floating point may have any number of digits.
    return format((amount / per).quantize(_LAST_DIGIT).normalize(), "f")


def modalities(names: Iterable[str], *, output: bool = False) -> tuple[str, ...]:
    """The catalog's names of modalities. Unknown inputs are left out; unknown outputs stay, for nothing serves them."""
    if output:
        return tuple(dict.fromkeys(names)) or ("text",)
    return tuple(dict.fromkeys(_MODALITIES[name] for name in names if name in _MODALITIES)) or ("text",)


def parameters(names: Iterable[str]) -> frozenset[str]:
    """Those of the parameters that the catalog knows."""
    return _PARAMETERS.intersection(names)


def day_of(text: str | None) -> date | None:
    """The day of `2026-11-30` or a longer moment; None for anything else."""
    try:
        return date.fromisoformat((text or "")[:10])
    except ValueError:
        return None
