"""Fields that choose providers: the object `provider`."""

from typing import Any

from .shapes import YES_NO, Field, Kind, everywhere

__all__ = ["PROVIDERS"]


def _preference(name: str, label: str, kind: Kind, about: str = "", **details: Any) -> Field:
    """A field of the object `provider`."""
    places = everywhere(f"provider.{name}")
    return Field(
        name="provider_" + name.replace(".", "_"),
        label=label,
        kind=kind,
        group="providers",
        places=places,
        help=about,
        **details,
    )


_SLUGS = "Provider slugs, separated by commas."
PROVIDERS = (
    _preference("order", "Try first, in this order", Kind.NAMES, _SLUGS),
    _preference("only", "Only these", Kind.NAMES, _SLUGS),
    _preference("ignore", "Never these", Kind.NAMES, _SLUGS),
    _preference(
        "sort",
        "Sorting",
        Kind.CHOICE,
        choices=(
            ("", "Default: price and reliability"),
            ("price", "Lowest price"),
            ("throughput", "Highest throughput"),
            ("latency", "Lowest latency"),
        ),
    ),
    _preference(
        "allow_fallbacks", "Fallbacks", Kind.CHOICE, "To other providers, when one fails.", choices=YES_NO, as_json=True
    ),
    _preference(
        "data_collection",
        "Data collection",
        Kind.CHOICE,
        "Whether providers may train on prompts or keep them.",
        choices=(("", "Default"), ("allow", "Allow"), ("deny", "Deny")),
    ),
    _preference("zdr", "Require zero data retention", Kind.FLAG),
    _preference(
        "require_parameters",
        "Require all parameters",
        Kind.FLAG,
        "Only providers that support every one of this request.",
    ),
    _preference(
        "enforce_distillable_text", "Require distillable models", Kind.FLAG, "Whose text may train other models."
    ),
    _preference("quantizations", "Quantizations", Kind.NAMES, "Separated by commas, for example fp8, bf16."),
    _preference("max_price.prompt", "Max input price", Kind.NUMBER, "US$ per million tokens.", low=0),
    _preference("max_price.completion", "Max output price", Kind.NUMBER, "US$ per million tokens.", low=0),
    _preference("max_price.request", "Max price per request", Kind.NUMBER, "US$.", low=0),
    _preference(
        "preferred_min_throughput", "Preferred throughput", Kind.NUMBER, "At least so many tokens per second.", low=0
    ),
    _preference(
        "preferred_max_latency", "Preferred latency", Kind.NUMBER, "At most so many seconds to the first token.", low=0
    ),
)
