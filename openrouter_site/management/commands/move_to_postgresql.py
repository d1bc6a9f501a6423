"""`manage.py move_to_postgresql`: copy a whole installation from SQLite."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from billing.credits import reconciliation
from keys.provider_keys import readability
from openrouter_site.operators import moving


class Command(BaseCommand):
    """Copies every row of a SQLite file into the empty database of DATABASE_URL, and audits the books there."""

    help = "Copy everything from a SQLite file into the empty PostgreSQL database that DATABASE_URL names."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, nargs="?", default=settings.DATA_DIR / "site.sqlite3")

    def handle(self, *, file: Path, **_: Any) -> None:
        """Print a line for each table, then what the audit found."""
        try:
            rows = moving.move(file, self._tell)
        except moving.Refused as error:
            raise CommandError(str(error)) from None
        self._tell(f"Moved {rows:,} rows. Each table has as many as before.")
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
        if faults := reconciliation.reconcile():
            listed = "\n".join(f"  - {fault}" for fault in faults)
            raise CommandError(
                f"Everything was moved, but the ledger did not add up before, or does not now:\n{listed}"
            )
        self._tell("The ledger adds up.")
        for problem in readability.check_readable(["default"]):
            self.stderr.write(f"{problem.msg} {problem.hint}")

    def _tell(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()
