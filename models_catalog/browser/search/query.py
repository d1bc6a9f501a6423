"""Query parameters of the models page and of the models API, read into a `Query`.

An invalid value raises BadParameter, which names the parameter. For pages, `parse_leniently` collects the problems
instead.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.http import QueryDict

from .values import BadParameter, any_of, dollars, given, one_of, phrase, up_to, whole, words_of, yes

__all__ = [
    "CATEGORIES",
    "DESCRIPTIONS",
    "INDICES",
    "INPUT_MODALITIES",
    "MEASURED_SORTS",
    "OUTPUT_MODALITIES",
    "REGIONS",
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

#: What models are used for: by the text of classified requests, or by the apps that send them.
CATEGORIES = (
    "programming", "roleplay", "marketing", "marketing/seo", "technology", "science", "translation", "legal", "finance",
    "health", "trivia", "academia",
)  # fmt: skip
REGIONS = ("eu", "us")

SORTS = (
    "newest",
    "pricing-low-to-high",
    "pricing-high-to-low",
    "context-high-to-low",
    "most-popular",
    "top-weekly",
    "throughput-high-to-low",
    "latency-low-to-high",
    # The catalog has no figures for these, so they keep the default order.
    "intelligence-high-to-low",
    "coding-high-to-low",
    "agentic-high-to-low",
    "design-arena-elo-high-to-low",
)

#: The sorts by figures of real traffic, which change without the catalog.
MEASURED_SORTS = ("most-popular", "top-weekly", "throughput-high-to-low", "latency-low-to-high")

#: Scores of public benchmarks, 0 to 100.
INDICES = ("intelligence_index", "coding_index", "agentic_index")

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
    "category": f"Uses of the apps that used the model in the last seven days, comma-separated, any of them: "
    f"{', '.join(CATEGORIES)}.",
    "distillable": "`true`: only models whose output may train other models; `false`: only others.",
    "region": "Comma-separated, any of them: only models with a provider all of whose known data centers are in the "
    f"region: {', '.join(REGIONS)}.",
    "min_age_days": "Minimum age, in days.",
    "max_age_days": "Maximum age, in days.",
    "min_tool_success_rate": "Minimum share of sound tool calls in the last half hour, 0 to 1. Models without enough "
    "traffic are left out.",
    "max_tool_success_rate": "Maximum share of sound tool calls in the last half hour, 0 to 1.",
    **{
        f"{bound}_{index}": f"{bound.capitalize()}imum {index.replace('_', ' ')}, 0 to 100. Models without one are "
        "left out; this catalog has none yet."
        for index in INDICES
        for bound in ("min", "max")
    },
    "sort": f"One of {', '.join(SORTS)}. Without it: newest first, or best match first when `q` is given.",
    "offset": "Number of models to skip.",
    "limit": "Number of models to return, 1 to 1000. Without it and `offset`: all of them.",
    "use_rss": "`true`: return an RSS feed.",
    "use_rss_chat_links": "`true`: items of the feed link to the chat.",
}


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
    category: tuple[str, ...] = ()  # any of them
    distillable: bool | None = None
    region: tuple[str, ...] = ()  # any of them
    min_age_days: int | None = None
    max_age_days: int | None = None
    min_tool_success_rate: Decimal | None = None  # 0 to 1
    max_tool_success_rate: Decimal | None = None
    min_intelligence_index: Decimal | None = None  # 0 to 100
    max_intelligence_index: Decimal | None = None
    min_coding_index: Decimal | None = None
    max_coding_index: Decimal | None = None
    min_agentic_index: Decimal | None = None
    max_agentic_index: Decimal | None = None
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
        return urlencode(self.parameters() + extra, safe=",/:~")

    def without(self, name: str, value: str = "") -> "Query":
        """Return the query without one filter, or without one of the filter's values."""
        kept = tuple(each for each in getattr(self, name) if each != value) if value else getattr(Query(), name)
        changes: dict[str, Any] = {name: kept}
        return replace(self, **changes)

    @property
    def is_lasting(self) -> bool:
        """Whether the result changes only with the catalog: neither with time nor with traffic."""
        changing = (self.min_age_days, self.max_age_days, self.min_tool_success_rate, self.max_tool_success_rate)
        return self.sort not in MEASURED_SORTS and not self.category and all(each is None for each in changing)

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
            return "true" if value else "false"
        case tuple():
            return ",".join(value) or "all"
        case Decimal():
            return format(value.normalize(), "f")
        case _:
            return str(value)


# --- Reading it -----------------------------------------------------------------------------------

_LIMIT_AT_MOST = 1000
_LIMIT_BY_DEFAULT = 500


def parse(parameters: QueryDict) -> Query:
    """Return the query in `parameters`. Raises BadParameter at the first invalid value; ignores unknown names."""
    values = {name: read(name, parameters.getlist(name)) for name, read in _READERS.items() if given(parameters, name)}
    return Query(**values)


def parse_leniently(parameters: QueryDict) -> tuple[Query, list[str]]:
    """Return the query without its invalid parameters, and the problems found."""
    values, complaints = {}, []
    for name, read in _READERS.items():
        if given(parameters, name):
            try:
                values[name] = read(name, parameters.getlist(name))
            except BadParameter as error:
                complaints.append(str(error))
    return Query(**values), complaints


def read_page(parameters: QueryDict) -> tuple[int, int | None]:
    """Return (offset, limit). The limit is None, for everything, if neither is given."""
    offset = whole("offset", parameters.getlist("offset")) if given(parameters, "offset") else None
    limit = whole("limit", parameters.getlist("limit")) if given(parameters, "limit") else None
    if limit is not None and not 1 <= limit <= _LIMIT_AT_MOST:
        raise BadParameter("limit", f"expected 1 to {_LIMIT_AT_MOST}")
    if limit is None and offset is not None:
        limit = _LIMIT_BY_DEFAULT
    return offset or 0, limit


def read_flag(parameters: QueryDict, name: str) -> bool:
    """Return whether the parameter `name` is true."""
    return given(parameters, name) and yes(name, parameters.getlist(name))


def _outputs(name: str, values: list[str]) -> tuple[str, ...]:
    if "all" in words_of(name, values):
        return ()
    return any_of(OUTPUT_MODALITIES)(name, values)


_READERS: dict[str, Callable[[str, list[str]], Any]] = {
    "q": phrase,
    "input_modalities": any_of(INPUT_MODALITIES),
    "output_modalities": _outputs,
    "supported_parameters": words_of,
    "context": whole,
    "min_price": dollars,
    "max_price": dollars,
    "min_output_price": dollars,
    "max_output_price": dollars,
    "arch": words_of,
    "model_authors": words_of,
    "providers": words_of,
    "variant": any_of(VARIANTS),
    "zdr": yes,
    "category": any_of(CATEGORIES),
    "distillable": yes,
    "region": any_of(REGIONS),
    "min_age_days": whole,
    "max_age_days": whole,
    "sort": one_of(SORTS),
    **{f"{bound}_tool_success_rate": up_to(1) for bound in ("min", "max")},
    **{f"{bound}_{index}": up_to(100) for bound in ("min", "max") for index in INDICES},
}
