from typing import Any

from django.core.management.base import BaseCommand, CommandError

from billing.credits import reconciliation
from billing.models import CreditAccount, LedgerEntry


class Command(BaseCommand):
    help = "Checks that credits, entries, lots, holds and usage add up. Lists every row that doesn't (exit code 1)."

    def handle(self, *args: Any, **options: Any) -> None:
        found = reconciliation.reconcile()
        if found:
            raise CommandError("The ledger doesn't add up:\n" + "\n".join(f"  - {fault}" for fault in found))
        accounts, entries = CreditAccount.objects.count(), LedgerEntry.objects.count()
        self.stdout.write(f"Checked {accounts} accounts and {entries} ledger entries. All sums agree.")
