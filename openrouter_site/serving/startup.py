"""The state of the database when a process starts."""

import logging

from django.db import OperationalError, connection

from common.storage import database
from keys.provider_keys import readability
from openrouter_site.env import SettingsError

__all__ = ["refuse_pending_migrations", "report_unreadable_keys"]

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


def report_unreadable_keys() -> None:
    """Log an error, with the remedy, if customers' own provider keys can't be decrypted: the site runs without them."""
    try:
        for problem in readability.check_readable(["default"]):
            log.error("%s %s", problem.msg, problem.hint)
    finally:
        connection.close()
