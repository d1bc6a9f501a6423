"""The difference between the catalog and a source, as operators read it and as it is written."""

import hashlib
import textwrap
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from models_catalog.models import Endpoint, Model

__all__ = ["UNITS", "Difference", "Line", "line_of", "same", "shown_prices"]

#: Prices that are not of tokens.
UNITS = frozenset({"request", "image", "web_search"})
#: The most skipped offers that the table names for each reason, and the most reasons to refuse.
_EXAMPLES = 5
_REASONS = 20


@dataclass(frozen=True, slots=True)
class Line:
    """One change: of a kind, to a model or endpoint, from a value to another."""

    kind: str  # new model, new endpoint, price, limits, parameters, back, gone, retires
    subject: str
    before: str
    after: str


@dataclass(slots=True)
class Difference:
    """Everything that a source would change. The lists of rows are not saved yet."""

    source: str
    etag: str = ""
    lines: list[Line] = field(default_factory=list)
    #: Changes that are not made, because the field is locked.
    locked: list[Line] = field(default_factory=list)
    #: Offers that the catalog does not take, by reason.
    skipped: dict[str, list[str]] = field(default_factory=dict)
    #: Reasons to refuse the whole, unless an operator accepts it.
    implausible: list[str] = field(default_factory=list)

    new_models: list[Model] = field(default_factory=list)
    new_endpoints: list[Endpoint] = field(default_factory=list)
    changed_models: dict[str, Model] = field(default_factory=dict)
    changed_endpoints: dict[int, Endpoint] = field(default_factory=dict)
    #: Endpoints that follow the source from now on.
    claimed: list[int] = field(default_factory=list)

    def skip(self, reason: str, offer: str) -> None:
        """Note an offer that the catalog does not take."""
        self.skipped.setdefault(reason, []).append(offer)

    @property
    def counts(self) -> dict[str, int]:
        """The number of changes by kind, then of what is locked and skipped."""
        counts = dict(Counter(line.kind for line in self.lines))
        others = {"locked": len(self.locked), "skipped": sum(map(len, self.skipped.values()))}
        return counts | {name: number for name, number in others.items() if number}

    @property
    def why_implausible(self) -> str:
        """The reasons to refuse it, in lines; of very many, the first."""
        shown, more = self.implausible[:_REASONS], len(self.implausible) - _REASONS
        return "\n".join([*shown, *([f"... and {more} more."] if more > 0 else [])])

    @property
    def fingerprint(self) -> str:
        """A short text that is the same for the same changes."""
        text = "\n".join(map(repr, [*self.lines, *self.implausible]))
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    def table(self) -> str:
        """The changes as a table in plain text, then what is locked, skipped and implausible."""
        parts = [_columns(self.lines) if self.lines else "No changes."]
        if self.locked:
            parts.append("Kept, because an operator has set it:\n" + _columns(self.locked))
        if self.skipped:
            parts.append("Skipped:\n" + "\n".join(_skipped(self.skipped)))
        if self.implausible:
            parts.append("Implausible:\n" + textwrap.indent(self.why_implausible, "  "))
        return "\n\n".join(parts)


def shown_prices(pricing: Mapping[str, str], tiers: Iterable[Mapping[str, object]] = ()) -> str:
    """Prices in USD per million tokens, or per request, image or search: `prompt $2.5, completion $10`."""
    parts = [_shown_price(key, value) for key, value in sorted(pricing.items(), key=lambda item: _rank(item[0]))]
    for tier in tiers:
        prices = ", ".join(_shown_price(key, str(value)) for key, value in tier.items() if key != "min_context")
        parts.append(f"above {tier['min_context']} tokens {prices}")
    return ", ".join(parts)


def same(before: Any, after: Any) -> bool:
    """Return whether two values of a field mean the same, such as prices with more or fewer zeros."""
    if isinstance(before, dict) and isinstance(after, dict) and before.keys() == after.keys():
        return all(Decimal(value) == Decimal(after[key]) for key, value in before.items())
    if isinstance(before, list) and before and isinstance(before[0], str):
        return set(before) == set(after)
    return bool(before == after)


def line_of(row: Endpoint, name: str, before: Any, after: Any) -> Line:
    """Return the change of a field of an endpoint as operators read it."""
    if name == "pricing":
        changed = {key for key in {*before, *after} if before.get(key) != after.get(key)}
        old, new = (
            shown_prices({key: value for key, value in each.items() if key in changed}) for each in (before, after)
        )
        return Line("price", str(row), old or "none", new or "none")
    if name == "tiers":
        return Line("price", str(row), shown_prices({}, before) or "none", shown_prices({}, after) or "none")
    if name == "enabled":
        return Line("back" if after else "gone", str(row), "", "listed again" if after else "no longer listed")
    if name == "supported_parameters":
        added, removed = sorted(set(after) - set(before)), sorted(set(before) - set(after))
        changes = [f"+{each}" for each in added] + [f"-{each}" for each in removed]
        return Line("parameters", str(row), "", " ".join(changes))
    kind = {"context_length": "context", "max_completion_tokens": "output"}.get(name, name)
    return Line("limits" if kind != "quantization" else kind, str(row), f"{kind} {before or 'unknown'}", f"{after}")


def _shown_price(key: str, value: str) -> str:
    usd = Decimal(value) if key in UNITS else Decimal(value) * 1_000_000
    return f"{key} ${format(usd.normalize(), 'f')}"


def _rank(key: str) -> tuple[int, str]:
    return ({"prompt": 0, "completion": 1}.get(key, 2), key)


def _columns(lines: list[Line]) -> str:
    wide = max(len(line.kind) for line in lines), max(len(line.subject) for line in lines)
    return "\n".join(
        f"{line.kind:<{wide[0]}}  {line.subject:<{wide[1]}}  "
        + (f"{line.before} -> {line.after}" if line.before and line.after else line.before or line.after)
        for line in lines
    )


def _skipped(skipped: Mapping[str, list[str]]) -> Iterable[str]:
    for reason, offers in sorted(skipped.items(), key=lambda item: -len(item[1])):
        more = f" and {len(offers) - _EXAMPLES} more" if len(offers) > _EXAMPLES else ""
        yield f"  {len(offers)} {reason}: {', '.join(offers[:_EXAMPLES])}{more}"
