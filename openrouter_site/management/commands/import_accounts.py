"""`manage.py import_accounts`: take over people, keys and balances of LiteLLM or new-api."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from openrouter_site.imports import applying, litellm, new_api
from openrouter_site.imports.tables import Unreadable, opened

PROGRAMS = {"litellm": litellm.plan, "new-api": new_api.plan}


class Command(BaseCommand):
    """Shows what it would create; with --apply, creates it. Nothing is created twice."""

    help = "Import users, API keys and balances of another gateway. Shows them; with --apply, creates them."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("program", choices=PROGRAMS)
        parser.add_argument(
            "source", help="postgres://..., a SQLite file, or a folder with <table>.csv or <table>.json"
        )
        parser.add_argument("--apply", action="store_true", help="create them")

    def handle(self, *, program: str, source: str, apply: bool, **_: Any) -> None:
        """Print a line for each thing, then a summary."""
        try:
            with opened(source) as tables:
                plan = PROGRAMS[program](tables)
        except (Unreadable, KeyError) as error:
            problem = f"A column is missing: {error}" if isinstance(error, KeyError) else str(error)
            raise CommandError(problem) from None
        lines = applying.apply(plan) if apply else applying.preview(plan)
        for action, kind, name, detail in lines:
            self.stdout.write(f"{action:<8} {kind:<8} {name[:44]:<44} {detail}".rstrip())
        self.stdout.write("; ".join(applying.totals(lines)) or "Nothing to import.")
        self.stdout.write("Done." if apply else "Nothing was written. Use --apply to do so.")
