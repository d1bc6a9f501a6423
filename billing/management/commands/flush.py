from typing import Any

from django.core.management.commands import flush
from django.db import connections

from billing.credits import append_only


class Command(flush.Command):
    help = flush.Command.help + " Disables the ledger's append-only triggers while it runs."

    def handle(self, **options: Any) -> None:
        with append_only.disabled(connections[options["database"]]):
            super().handle(**options)
