"""Load the bundled catalog of models, providers and prices."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from models_catalog.loading.bundled import load_bundled


class Command(BaseCommand):
    help = "Load the bundled catalog of models, providers and prices; does nothing when it is loaded already."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--force", action="store_true", help="load it again; edited fields are still kept")

    def handle(self, *args: Any, **options: Any) -> None:
        loaded = load_bundled(force=options["force"])
        if loaded is None:
            self.stdout.write("The catalog is up to date.")
            return
        self.stdout.write(
            f"Loaded {loaded.models} models ({loaded.hidden} more are hidden: no price yet), "
            f"{loaded.endpoints} endpoints and {loaded.providers} providers."
        )
