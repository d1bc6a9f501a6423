"""Query parameters of the models page and of the models API, read into a `Query`.

An invalid value raises BadParameter, which names the parameter. For pages, `parse_leniently` collects the problems
instead.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import urlencode

from django.http import QueryDict

__all__ = [
    "DESCRIPTIONS",
    "INPUT_MODALITIES",
    "OUTPUT_MODALITIES",
    "SORTS",
    "VARIANTS",
    "BadParameter",
    "Query",
    "parse",
    "parse_leniently",
    "read_flag",
    "read_page",
]

INPUT_MODALITIES = ("text", "image", "file", "audio", "video")
OUTPUT_MODALITIES = ("text", "image", "embeddings", "audio", "video", "rerank", "speech", "transcription")
VARIANTS = ("standard", "free", "extended", "thinking")

SORTS = (
    "newest",
    "pricing-low-to-high",
    "pricing-high-to-low",
    "context-high-to-low",
    # The catalog has no figures for these, so they keep the default order.
    "most-popular",
    "top-weekly",
    "throughput-high-to-low",
    "latency-low-to-high",
    "intelligence-high-to-low",
    "coding-high-to-low",
    "agentic-high-to-low",
    "design-arena-elo-high-to-low",
)

#: The parameters' descriptions in the OpenAPI document.
DESCRIPTIONS = {
    "q": "Words that the ID or the name must contain.",
    "input_modalities": f"Input modalities, comma-separated, all required: {', '.join(INPUT_MODALITIES)}.",
    "output_modalities": f"Output modalities, comma-separated, any of them, or `all`; default `text`: "
    f"{', '.join(OUTPUT_MODALITIES)}.",
    "supported_parameters": "Request parameters, comma-separated, all required, for example `tools,seed`.",
    "context": "Minimum context length, in tokens.",
    "min_price": "Minimum prompt price, in USD per million tokens.",
    "max_price": "Maximum prompt price, in USD per million tokens; 0 for free models.",
    "min_output_price": "Minimum completion price, in USD per million tokens.",
    "max_output_price": "Maximum completion price, in USD per million tokens.",
    "arch": "Tokenizers, comma-separated, any of them.",
    "model_authors": "Author slugs, comma-separated, any of them.",
    "providers": "Provider slugs, comma-separated, any of them.",
    "variant": f"Comma-separated, any of them: {', '.join(VARIANTS)}.",
    "zdr": "`true`: only models with a provider that neither retains nor trains on prompts.",
    "min_age_days": "Minimum age, in days.",
    "max_age_days": "Maximum age, in days.",
    "sort": f"One of {', '.join(SORTS)}. Without it: newest first, or best match first when `q` is given.",
    "offset": "Number of models to skip.",
    "limit": "Number of models to return, 1 to 1000. Without it and `offset`: all of them.",
    "use_rss": "`true`: return an RSS feed.",
    "use_rss_chat_links": "`true`: items of the feed link to the chat.",
}


class BadParameter(ValueError):
    """The query parameter `name` has an invalid value. The message says what is valid."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(f"{name}: {message}")
        self.name = name


@dataclass(frozen=True, slots=True)
class Query:
    """A parsed query. Each field is the query parameter of that name."""

    q: str = ""
    input_modalities: tuple[str, ...] = ()  # all of them
    output_modalities: tuple[str, ...] = ("text",)  # any of them; empty: whatever they answer in
    supported_parameters: tuple[str, ...] = ()  # all of them
    context: int = 0  # tokens, at least
    min_price: Decimal | None = None  # USD per million prompt tokens
    max_price: Decimal | None = None
    min_output_price: Decimal | None = None  # USD per million completion tokens
    max_output_price: Decimal | None = None
    arch: tuple[str, ...] = ()  # tokenizers, any of them
    model_authors: tuple[str, ...] = ()  # any of them
    providers: tuple[str, ...] = ()  # any of them
    variant: tuple[str, ...] = ()  # any of them
    zdr: bool = False
    min_age_days: int | None = None
    max_age_days: int | None = None
    sort: str = ""

    def parameters(self) -> list[tuple[str, str]]:
        """Return the parameters that parse back to this query, without defaults."""
        nothing = Query()
        return [
            (each.name, _text(getattr(self, each.name)))
            for each in fields(self)
            if getattr(self, each.name) != getattr(nothing, each.name)
        ]

    def encoded(self, **more: object) -> str:
        """Return the query string, with those of `more` that aren't empty."""
        extra = [(name, str(value)) for name, value in more.items() if value not in ("", None)]
        return urlencode(self.parameters() + extra, safe=",")

    def without(self, name: str, value: str = "") -> "Query":
        """Return the query without one filter, or without one of the filter's values."""
        kept = tuple(each for each in getattr(self, name) if each != value) if value else getattr(Query(), name)
        changes: dict[str, Any] = {name: kept}
        return replace(self, **changes)

    @property
    def filters(self) -> list[tuple[str, str]]:
        """Yield each active filter as (name, value). The search text and the order are not filters."""
        active: list[tuple[str, str]] = []
        for name, text in self.parameters():
            if name in ("q", "sort"):
                continue
            value = getattr(self, name)
            active += [(name, each) for each in value] if isinstance(value, tuple) and value else [(name, text)]
        return active


def _text(value: Any) -> str:
    match value:
        case bool():
            return "true"
        case tuple():
            return ",".join(value) or "all"
        case Decimal():
            return format(value.normalize(), "f")
        case _:
            return str(value)


# --- Reading it -----------------------------------------------------------------------------------

_WORDS_AT_MOST = 100
_LETTERS_AT_MOST = 200
_LIMIT_AT_MOST = 1000
_LIMIT_BY_DEFAULT = 500


def parse(parameters: QueryDict) -> Query:
    """Return the query in `parameters`. Raises BadParameter at the first invalid value; ignores unknown names."""
    values = {name: read(name, parameters.getlist(name)) for name, read in _READERS.items() if _given(parameters, name)}
    return Query(**values)


def parse_leniently(parameters: QueryDict) -> tuple[Query, list[str]]:
    """Return the query without its invalid parameters, and the problems found."""
    values, complaints = {}, []
    for name, read in _READERS.items():
        if _given(parameters, name):
            try:
                values[name] = read(name, parameters.getlist(name))
            except BadParameter as error:
                complaints.append(str(error))
    return Query(**values), complaints


def read_page(parameters: QueryDict) -> tuple[int, int | None]:
    """Return (offset, limit). The limit is None, for everything, if neither is given."""
    offset = _whole("offset", parameters.getlist("offset")) if _given(parameters, "offset") else None
    limit = _whole("limit", parameters.getlist("limit")) if _given(parameters, "limit") else None
    if limit is not None and not 1 <= limit <= _LIMIT_AT_MOST:
        raise BadParameter("limit", f"expected 1 to {_LIMIT_AT_MOST}")
    if limit is None and offset is not None:
        limit = _LIMIT_BY_DEFAULT
    return offset or 0, limit


def read_flag(parameters: QueryDict, name: str) -> bool:
    """Return whether the parameter `name` is true."""
    return _given(parameters, name) and _yes(name, parameters.getlist(name))


def _given(parameters: QueryDict, name: str) -> bool:
    return any(value.strip() for value in parameters.getlist(name))


def _phrase(name: str, values: list[str]) -> str:
    phrase = " ".join(values[-1].split())
    if len(phrase) > _LETTERS_AT_MOST:
        raise BadParameter(name, f"at most {_LETTERS_AT_MOST} characters")
    return phrase


def _words(name: str, values: list[str]) -> tuple[str, ...]:
    words = tuple(dict.fromkeys(word.strip() for value in values for word in value.split(",") if word.strip()))
    if len(words) > _WORDS_AT_MOST or any(len(word) > _LETTERS_AT_MOST for word in words):
        raise BadParameter(name, f"at most {_WORDS_AT_MOST} values of {_LETTERS_AT_MOST} characters")
    return words


def _one_of(options: tuple[str, ...]) -> Callable[[str, list[str]], tuple[str, ...]]:
    def read(name: str, values: list[str]) -> tuple[str, ...]:
        words = _words(name, values)
        if not set(words) <= set(options):
            raise BadParameter(name, f"expected any of {', '.join(options)}")
        return words

    return read


def _outputs(name: str, values: list[str]) -> tuple[str, ...]:
    if "all" in _words(name, values):
        return ()
    return _one_of(OUTPUT_MODALITIES)(name, values)


def _whole(name: str, values: list[str]) -> int:
    text = values[-1].strip()
    if not re.fullmatch(r"\d{1,9}", text, re.ASCII):
        raise BadParameter(name, "expected a whole number, 0 or more")
    return int(text)


def _price(name: str, values: list[str]) -> Decimal:
    text = values[-1].strip().removeprefix("$")
    try:
        price = Decimal(text) if len(text) <= 20 and re.fullmatch(r"[\d.]+", text, re.ASCII) else None
    except InvalidOperation:
        price = None
    if price is None:
        raise BadParameter(name, "expected dollars per million tokens, for example 0.5")
    return price


def _yes(name: str, values: list[str]) -> bool:
    text = values[-1].strip().lower()
    if text not in ("true", "false", "1", "0", "on"):
        raise BadParameter(name, "expected true or false")
    return text in ("true", "1", "on")


def _order(name: str, values: list[str]) -> str:
    text = values[-1].strip()
    if text not in SORTS:
        raise BadParameter(name, f"expected one of {', '.join(SORTS)}")
    return text


def _no_data(name: str, values: list[str]) -> Any:
    raise BadParameter(name, "this catalogue has no such data to filter by; leave the parameter out")


_READERS: dict[str, Callable[[str, list[str]], Any]] = {
    "q": _phrase,
    "input_modalities": _one_of(INPUT_MODALITIES),
    "output_modalities": _outputs,
    "supported_parameters": _words,
    "context": _whole,
    "min_price": _price,
    "max_price": _price,
    "min_output_price": _price,
    "max_output_price": _price,
    "arch": _words,
    "model_authors": _words,
    "providers": _words,
    "variant": _one_of(VARIANTS),
    "zdr": _yes,
    "min_age_days": _whole,
    "max_age_days": _whole,
    "sort": _order,
} | dict.fromkeys(
    (
        "category",
        "distillable",
        "region",
        *(
            f"{bound}_{figure}"
            for bound in ("min", "max")
            for figure in ("intelligence_index", "coding_index", "agentic_index", "tool_success_rate")
        ),
    ),
    _no_data,
)
