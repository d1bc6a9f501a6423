"""Results of the checks of the ledger."""

from django.db import models
from django.utils import timezone


class ReconciliationRun(models.Model):
    """One run of all checks, and how many rows violated an invariant."""

    finished_at = models.DateTimeField(default=timezone.now)
    faults = models.PositiveIntegerField()

    class Meta:
        indexes = (models.Index(fields=("-finished_at",), name="reconciliations_newest"),)

    def __str__(self) -> str:
        return f"{self.finished_at:%Y-%m-%d %H:%M}: {self.faults} faults"
