"""Celery tasks of the catalog. `CELERY_BEAT_SCHEDULE` in the settings schedules them."""

from celery import shared_task

from models_catalog.loading.sync import sources


@shared_task(ignore_result=True)
def sync_catalog() -> None:
    """Every CATALOG_SYNC_MINUTES, if CATALOG_SYNC_SOURCES has any: take over what they changed."""
    sources.sync_all()
