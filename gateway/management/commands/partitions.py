"""`manage.py partitions`: the months of the large tables, and those that are no longer kept."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection

from common.telemetry.jobs import JobFailed
from common.web.bodies import as_size
from gateway.accounting import partitions, retention


class Command(BaseCommand):
    """Lists the partitions; with --apply, makes those of the coming months and drops requests that are not kept."""

    help = "List the partitions of the large tables by month."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--apply", action="store_true", help="make coming partitions and drop old requests now")

    def handle(self, *, apply: bool, **_: Any) -> None:
        """Print a line for each partition."""
        if connection.vendor != "postgresql":
            self.stdout.write("SQLite keeps each table in one piece.")
        else:
            self._list()
        if apply:
            try:
                for table in partitions.make_ahead():
                    self.stdout.write(f"Made partitions of {table}.")
                self.stdout.write(f"Dropped {retention.drop_old():,} requests.")
            except JobFailed as error:
                raise CommandError(str(error)) from error

    def _list(self) -> None:
        old = {partition.name for partition in retention.old_partitions()}
        for table in partitions.COLUMNS:
            for each in partitions.partitions_of(table):
                start, end = (f"{bound:%Y-%m-%d}" if bound else "-" for bound in (each.start, each.end))
                mark = "  not kept" if each.name in old else ""
                self.stdout.write(
                    f"{each.name:<36} {start:>10} {end:>10} {each.rows:>12,} {as_size(each.bytes):>9}{mark}"
                )
