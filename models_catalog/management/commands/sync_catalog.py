"""Compare the catalog with the sources of CATALOG_SYNC_SOURCES, and take over what they changed."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from models_catalog.loading.sync.download import UnreadableSource
from models_catalog.loading.sync.offers import InvalidDocument
from models_catalog.loading.sync.sources import InvalidSource, Outcome, Source, configured, preview, sync

#: Exit codes. That of a CommandError is 1 too.
FAILED, REFUSED = 1, 2


class Command(BaseCommand):
    help = (
        "Show what the sources of models and prices would change; with --apply, change it. "
        "Exit code 0: done; 1: a source can't be read; 2: a source was refused."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("sources", nargs="*", metavar="kind:URL", help="instead of those of CATALOG_SYNC_SOURCES")
        how = parser.add_mutually_exclusive_group()
        how.add_argument("--dry-run", action="store_true", help="only show the changes (the default)")
        how.add_argument("--apply", action="store_true", help="make the changes")
        parser.add_argument(
            "--accept-implausible", action="store_true", help="also changes that are larger than usual, after a look"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            chosen = [Source.parse(text) for text in options["sources"]] or configured()
        except InvalidSource as error:
            raise CommandError(str(error)) from None
        if not chosen:
            raise CommandError("No source is configured. Set CATALOG_SYNC_SOURCES, or name one.")
        codes = [self._one(source, apply=options["apply"], accept=options["accept_implausible"]) for source in chosen]
        if code := max(codes):
            sys.exit(code)

    def _one(self, source: Source, *, apply: bool, accept: bool) -> int:
        """Show, and perhaps make, the changes of a source. Return the exit code."""
        self.stdout.write(self.style.MIGRATE_HEADING(str(source)))
        if apply:
            done = sync(source, accept=accept)
            if done.difference is not None:
                self.stdout.write(done.difference.table())
            outcome = Outcome(done.record.outcome)
            self.stdout.write(f"\n{outcome.label}." + (f" {done.record.reason}" if done.record.reason else ""))
            return {Outcome.REFUSED: REFUSED, Outcome.FAILED: FAILED}.get(outcome, 0)
        try:
            found = preview(source)
        except UnreadableSource as error:
            self.stderr.write(f"{Outcome.FAILED.label}. {error}")
            return FAILED
        except InvalidDocument as error:
            self.stderr.write(f"{Outcome.REFUSED.label}. {error}")
            return REFUSED
        self.stdout.write(found.table())
        refused = found.implausible and not accept
        self.stdout.write("\nWould be refused." if refused else "\nNothing was written. Use --apply to do so.")
        return REFUSED if refused else 0
