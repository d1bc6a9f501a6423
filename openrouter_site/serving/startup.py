"""The state of the database when a process starts."""

import logging

from django.db import OperationalError, connection

from common.storage import database
from openrouter_site.env import SettingsError

__all__ = ["refuse_pending_migrations"]

#: How many migrations the message names.
NAMED = 5

log = logging.getLogger(__name__)


def refuse_pending_migrations() -> None:
    """Raise SettingsError that names the migrations which the database lacks.

    If the database cannot be reached, log that and return: the site recovers by itself when it is back.
    """
    try:
        pending = database.pending_migrations()
    except OperationalError as error:
        log.error(
            "The database cannot be reached, so its migrations are not checked: %s", str(error).partition("\n")[0]
        )
        return
    finally:
        connection.close()
    if pending:
        listed = ", ".join(pending[:NAMED]) + (f" and {len(pending) - NAMED} more" if len(pending) > NAMED else "")
        raise SettingsError(f"Migrations are not applied: {listed}. Run: python manage.py migrate")
