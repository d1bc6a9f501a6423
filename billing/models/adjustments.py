"""Credits that operators granted or took."""

from django.db import models
from django.utils import timezone

from accounts.models import User

from .accounts import LedgerEntry


class Adjustment(models.Model):
    """The operator behind a ledger entry, and their reason. Never changed."""

    entry = models.OneToOneField(LedgerEntry, on_delete=models.PROTECT, related_name="adjustment")
    operator = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    operator_email = models.EmailField()  # kept when the operator's account is deleted
    reason = models.CharField(max_length=200)  # shown to the owner
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    def __str__(self) -> str:
        return f"{self.entry.amount} by {self.operator_email}"
