"""`manage.py back_up_sqlite`: a copy of the SQLite file, taken while the site runs."""

import sqlite3
from argparse import ArgumentParser
from contextlib import closing
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection


class Command(BaseCommand):
    """Writes all that was committed before it began, and checks the copy. A copy by other means may lack the latest."""

    help = "Write a backup of the SQLite database to a new file, while the site runs."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)

    def handle(self, *, file: Path, **_: Any) -> None:
        """Print the size of the backup."""
        if connection.vendor != "sqlite":
            raise CommandError("The site runs on PostgreSQL. Back it up with pg_dump (docs/operations/backup.md).")
        if file.exists():
            raise CommandError(f"{file} exists already. Name a new file.")
        with connection.cursor() as cursor:
            try:
                cursor.execute("VACUUM INTO %s", [str(file)])
            except Exception as error:
                raise CommandError(f"{file} can't be written: {error}.") from error
        file.chmod(0o600)
        with closing(sqlite3.connect(file)) as copy:
            (answer,) = copy.execute("PRAGMA integrity_check").fetchone()
        if answer != "ok":
            raise CommandError(f"{file} is damaged: {answer}.")
        self.stdout.write(f"Wrote {file} ({file.stat().st_size:,} bytes).")
