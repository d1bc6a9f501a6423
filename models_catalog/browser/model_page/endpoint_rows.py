"""The endpoints of a model as its page shows them: what they cost, how they were measured, and how that changed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from models_catalog.entries import EndpointEntry, ModelEntry, ProviderEntry
from models_catalog.metrics import measured_days
from models_catalog.metrics.measured_days import Days
from models_catalog.metrics.measurements import Measurement

from .line_chart import LineChart, line_chart

__all__ = ["HEADINGS", "Heading", "Performance", "Row", "heading_of", "performance", "policy_of", "rows"]

#: Lines of a chart: the endpoints with the most answers.
MOST_LINES = 6


@dataclass(frozen=True, slots=True)
class Row:
    """An endpoint with its data policy and its measurements."""

    endpoint: EndpointEntry
    provider: ProviderEntry  # with the data policy of this endpoint
    measured: Measurement
    days: Days | None
    is_cheapest: bool = False
    is_fastest: bool = False

    @property
    def name(self) -> str:
        """The provider's name; that of an endpoint beside the provider's first one has its tag."""
        detail = self.endpoint.tag.partition("/")[2]
        return f"{self.endpoint.provider_name} ({detail})" if detail else self.endpoint.provider_name


class Heading(NamedTuple):
    """A column of a model's table of providers. `key` sorts by it; `order` is then the value of aria-sort."""

    label: str
    sort: str = ""
    order: str = ""
    number: bool = True
    key: Callable[[Row], Any] = id


HEADINGS = (
    Heading("Provider", "provider", "ascending", number=False, key=lambda row: row.endpoint.provider_name.lower()),
    Heading("Input", "price", "ascending", key=lambda row: row.endpoint.prices.per_token),
    Heading("Output", "output-price", "ascending", key=lambda row: row.endpoint.prices.completion),
    Heading("Cache read", "cache", "ascending", key=lambda row: _cache_price(row.endpoint)),
    Heading("Context", "context", "descending", key=lambda row: -row.endpoint.context_length),
    Heading("Max output", "length", "descending", key=lambda row: -(row.endpoint.max_completion_tokens or 0)),
    Heading("Latency", "latency", "ascending", key=lambda row: row.measured.latency_seconds or float("inf")),
    Heading("Throughput", "throughput", "descending", key=lambda row: -(row.measured.tokens_per_second or 0)),
    Heading("Uptime", "uptime", "descending", key=lambda row: -(row.measured.uptime_1d or 0)),
    Heading("Quantization", number=False),
    Heading("Data policy", number=False),
    Heading("Parameters", number=False),
)


@dataclass(frozen=True, slots=True)
class Performance:
    """The measurements of a model: its endpoints with traffic, and their medians by day, None where none is known."""

    rows: list[Row]
    latency: LineChart | None
    throughput: LineChart | None


def heading_of(sort: str) -> Heading:
    """Return the heading to sort by; that of the price for another word."""
    return next((each for each in HEADINGS if each.sort and each.sort == sort), HEADINGS[1])


def rows(model: ModelEntry, providers: Mapping[str, ProviderEntry], heading: Heading) -> list[Row]:
    """Return the endpoints in the order of the heading, the cheapest and the fastest marked unless all are equal."""
    measured = measured_days.last_day(model.id)
    days = measured_days.of_model(model.id)
    offered = [each for each in model.endpoints if each.configured]
    standard = [each for each in offered or model.endpoints if not each.service_tier] or model.endpoints
    lowest, highest = (standard[at].prices.per_token for at in (0, -1))
    found = [
        Row(
            endpoint,
            policy_of(providers[endpoint.provider], endpoint),
            measured.get(endpoint.tag, Measurement()),
            days.get(endpoint.tag),
            is_cheapest=(
                endpoint.configured and not endpoint.service_tier and endpoint.prices.per_token == lowest < highest
            ),
        )
        for endpoint in model.endpoints
    ]
    speeds = [row.measured.tokens_per_second for row in found if row.endpoint.configured]
    known = [speed for speed in speeds if speed]
    if known and min(known) < max(known):
        found = [replace(row, is_fastest=row.measured.tokens_per_second == max(known)) for row in found]
    return sorted(found, key=heading.key)


def performance(found: Sequence[Row]) -> Performance:
    """Return what was measured of these endpoints."""
    with_traffic = [row for row in found if row.measured.day or row.days]
    charted = [(row.name, row.days) for row in with_traffic if row.days]
    largest = sorted(charted, key=lambda each: -each[1].answered)[:MOST_LINES]
    if not largest:
        return Performance(with_traffic, None, None)
    dates = [day.date for day in largest[0][1].days]
    latency = [(name, [day.latency_ms for day in days.days]) for name, days in largest]
    throughput = [(name, [day.throughput for day in days.days]) for name, days in largest]
    return Performance(
        with_traffic,
        line_chart(latency, dates, _seconds, _seconds),
        line_chart(throughput, dates, lambda speed: f"{speed:,.0f} tok/s", lambda speed: f"{speed:,.0f}"),
    )


def _seconds(milliseconds: float) -> str:
    return f"{milliseconds / 1000:,.2f} s"


def _cache_price(endpoint: EndpointEntry) -> Any:
    return endpoint.prices.input_cache_read or endpoint.prices.prompt


def policy_of(provider: ProviderEntry, endpoint: EndpointEntry) -> ProviderEntry:
    """Return the provider with the data policy of this endpoint."""
    if not endpoint.has_own_policy:
        return provider
    return replace(provider, trains=endpoint.trains, retains=endpoint.retains, retention_days=None, policy_as_of="")
