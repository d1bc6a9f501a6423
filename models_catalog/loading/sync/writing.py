"""Applying a difference to the catalog."""

from django.db import transaction

from models_catalog import catalog
from models_catalog.loading.bundled import BATCH_ROWS, SYNCED_FIELDS
from models_catalog.models import Endpoint, Model

from .differences import Difference

__all__ = ["write"]


def write(found: Difference) -> None:
    """Save everything. New prices get their rows of the price history; processes take it up within seconds."""
    with transaction.atomic():
        Model.objects.bulk_create(found.new_models, batch_size=BATCH_ROWS)
        Endpoint.objects.bulk_create(found.new_endpoints, batch_size=BATCH_ROWS)
        Model.objects.bulk_update(
            found.changed_models.values(), ["expires_on", "hidden", "context_length"], batch_size=BATCH_ROWS
        )
        Endpoint.objects.bulk_update(found.changed_endpoints.values(), SYNCED_FIELDS, batch_size=BATCH_ROWS)
        for start in range(0, len(found.claimed), BATCH_ROWS):
            Endpoint.objects.filter(pk__in=found.claimed[start : start + BATCH_ROWS]).update(listed_by=found.source)
        if found.lines or found.changed_models:
            catalog.touch()
