"""Import or export the curation of endpoints: quantization, moderation, selection for `:exacto`, data policy."""

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from models_catalog.loading import curation


class Command(BaseCommand):
    help = (
        "Import facts about endpoints from a small JSON or CSV file, or export those that are locked. "
        "Imported fields keep their value when a newer catalog is loaded."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("action", choices=("import", "export"))
        parser.add_argument("file", help="ends with .json or .csv; - is standard input or output, as JSON")
        parser.add_argument("--dry-run", action="store_true", help="say what an import would change, no more")

    def handle(self, *args: Any, **options: Any) -> None:
        file = options["file"]
        as_csv = file.lower().endswith(".csv")
        if not (as_csv or file == "-" or file.lower().endswith(".json")):
            raise CommandError("The file's name must end with .json or .csv.")
        try:
            if options["action"] == "export":
                self._export(file, as_csv=as_csv)
            else:
                self._import(file, as_csv=as_csv, dry_run=options["dry_run"])
        except OSError as error:
            raise CommandError(f"{file}: {error.strerror}.") from None
        except curation.CurationError as error:
            raise CommandError(f"Nothing was imported.\n{error}") from None

    def _export(self, file: str, *, as_csv: bool) -> None:
        text = curation.written(as_csv=as_csv)
        if file == "-":
            self.stdout.write(text, ending="")
            return
        Path(file).write_text(text)
        self.stdout.write(f"Wrote {file}.")

    def _import(self, file: str, *, as_csv: bool, dry_run: bool) -> None:
        content = sys.stdin.buffer.read(curation.MAX_BYTES + 1) if file == "-" else Path(file).read_bytes()
        rows = curation.read(content, as_csv=as_csv)
        changes = curation.import_rows(rows, dry_run=dry_run)
        for change in changes:
            self.stdout.write(str(change))
        done = "would change" if dry_run else "changed"
        self.stdout.write(f"{len(rows)} rows {done} {len(changes)} fields.")
