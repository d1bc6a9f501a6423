"""The state of the database when a process starts."""

import logging

from django.db import OperationalError, connection
from django.db.migrations.executor import MigrationExecutor

from .env import SettingsError

__all__ = ["refuse_pending_migrations"]

log = logging.getLogger(__name__)


def refuse_pending_migrations() -> None:
    """Raise SettingsError that names the migrations which the database lacks.

    If the database cannot be reached, log that and return: the site recovers by itself when it is back.
    """
    try:
        executor = MigrationExecutor(connection)
        plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except OperationalError as error:
        log.error("The database cannot be reached, so its migrations are not checked: %s", str(error).strip())
        return
    finally:
        connection.close()
    if plan:
        names = [f"{migration.app_label}.{migration.name}" for migration, _ in plan]
        listed = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
        raise SettingsError(f"The database lacks {len(names)} migrations: {listed}. Run: python manage.py migrate")
