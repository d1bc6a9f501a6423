"""The prices that endpoints have had: a dated row for each change, made in whatever way.

- `record()`: add what has changed; `catalog.touch`, with which every change of the catalog ends, calls it.
- `price_history(model_id)`: the rows of a model's endpoints, for its page.
- `price_at(model_id, tag, moment)`: the prices that a generation of that moment was billed at.

Generations have no reference to a row: their model, endpoint and time find it. Processes take up a change of the
catalog within seconds, so a generation of these seconds may still be billed at the row before.
"""

from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from django.db import transaction
from django.db.models import Q

from common.clock import utc_now

from .models import Endpoint, EndpointPrice

__all__ = ["HistoricPrice", "price_at", "price_history", "record"]

BATCH_ROWS = 500


class HistoricPrice(NamedTuple):
    """The prices of an endpoint from a moment on, in USD per token or request; None if there was none."""

    tag: str
    valid_from: datetime
    prompt: Decimal | None
    completion: Decimal | None
    request: Decimal | None


def record() -> int:
    """Write a row for each endpoint whose prices differ from its last row, and return how many were written.

    Rows of endpoints that no longer exist end.
    """
    now = utc_now()
    prices = {
        (model, tag): (pricing, tiers)
        for model, tag, pricing, tiers in Endpoint.objects.values_list("model_id", "tag", "pricing", "tiers")
    }
    with transaction.atomic():
        over = []
        current = EndpointPrice.objects.filter(valid_until=None)
        for pk, model, tag, pricing, tiers in current.values_list("pk", "model", "tag", "pricing", "tiers"):
            if prices.get((model, tag)) == (pricing, tiers):
                del prices[model, tag]
            else:
                over.append(pk)
        for start in range(0, len(over), BATCH_ROWS):
            EndpointPrice.objects.filter(pk__in=over[start : start + BATCH_ROWS]).update(valid_until=now)
        EndpointPrice.objects.bulk_create(
            (
                EndpointPrice(model=model, tag=tag, pricing=pricing, tiers=tiers, valid_from=now)
                for (model, tag), (pricing, tiers) in prices.items()
            ),
            batch_size=BATCH_ROWS,
        )
    return len(prices)


def price_history(model_id: str) -> list[HistoricPrice]:
    """Return the prices of the model's endpoints, by tag, then oldest first."""
    rows = EndpointPrice.objects.filter(model=model_id).order_by("tag", "valid_from", "pk")
    return [
        HistoricPrice(
            tag,
            valid_from,
            **{name: _decimal(pricing, name) for name in ("prompt", "completion", "request")},
        )
        for tag, valid_from, pricing in rows.values_list("tag", "valid_from", "pricing")
    ]


def price_at(model_id: str, tag: str, moment: datetime) -> EndpointPrice | None:
    """Return the row that was valid at the moment; None before the first, or while there was no such endpoint."""
    rows = EndpointPrice.objects.filter(Q(valid_until=None) | Q(valid_until__gt=moment), model=model_id, tag=tag)
    return rows.filter(valid_from__lte=moment).order_by("-valid_from", "-pk").first()


def _decimal(pricing: dict[str, str], name: str) -> Decimal | None:
    return Decimal(pricing[name]) if name in pricing else None
