from typing import Any

from django.core.management.base import BaseCommand, CommandError

from billing.credits import reconciliation
from billing.models import CreditAccount, LedgerEntry


class Command(BaseCommand):
    help = "Proves that credits, entries, lots, holds and usage add up; names every row that breaks it (exit code 1)."

    def handle(self, *args: Any, **options: Any) -> None:
        found = reconciliation.faults()
        if found:
            raise CommandError("The ledger does not add up:\n" + "\n".join(f"  - {fault}" for fault in found))
        accounts, entries = CreditAccount.objects.count(), LedgerEntry.objects.count()
        self.stdout.write(f"{accounts} accounts and {entries} ledger entries: every sum agrees.")
