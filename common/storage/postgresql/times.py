"""Reading PostgreSQL's times: pages read thousands of them, and psycopg's own loader takes several times as long."""

from datetime import datetime, tzinfo
from functools import lru_cache
from typing import Any

from django.db.backends.postgresql.psycopg_any import BaseTzLoader, get_adapters_template
from psycopg.adapt import AdaptersMap

__all__ = ["adapters"]


@lru_cache
def adapters(use_tz: bool, zone: tzinfo | None) -> AdaptersMap:
    """Return Django's adapters with a quick loader of times."""

    class QuickLoader(BaseTzLoader):  # type: ignore[misc]
        timezone = zone

        def load(self, data: Any) -> datetime:
            try:
                moment = datetime.fromisoformat(str(data, "ascii"))
            except ValueError:  # infinity, or a year that Python does not have
                return super().load(data)  # type: ignore[no-any-return]
            return moment.replace(tzinfo=zone)

    found = AdaptersMap(get_adapters_template(use_tz, zone))
    found.register_loader("timestamptz", QuickLoader)
    return found
