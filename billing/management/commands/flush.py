from typing import Any

from django.core.management.commands import flush
from django.db import connections

from billing.credits import append_only


class Command(flush.Command):
    help = flush.Command.help + " The ledger's guard is lifted meanwhile: nothing else can empty it."

    def handle(self, **options: Any) -> None:
        with append_only.disabled(connections[options["database"]]):
            super().handle(**options)
