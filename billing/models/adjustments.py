"""What operators changed by hand."""

from django.db import models
from django.utils import timezone

from accounts.models import User

from .accounts import LedgerEntry


class Adjustment(models.Model):
    """Who granted or took the credits of a ledger entry, and why. Never changed."""

    entry = models.OneToOneField(LedgerEntry, on_delete=models.PROTECT, related_name="adjustment")
    operator = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    operator_email = models.EmailField()  # stays when the operator is gone
    reason = models.CharField(max_length=200)  # the owner reads it too
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    def __str__(self) -> str:
        return f"{self.entry.amount} by {self.operator_email}"
