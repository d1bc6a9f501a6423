"""Emails waiting to be sent."""

import uuid

from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.models import User

from .accounts import CreditAccount


class Notice(models.Model):
    """An email about an account to one of its people. Deleted once it is sent.

    It is written in the transaction it reports on. Its text contains no secrets. The address is looked up on sending.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey(CreditAccount, on_delete=models.CASCADE, related_name="notices")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    # The choice that can turn this email off; null for one that admins always get.
    choice = models.ForeignKey("EmailChoice", null=True, on_delete=models.CASCADE, related_name="+", db_index=False)
    subject = models.CharField(max_length=200)
    body = models.TextField()
    tries = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(default=timezone.now, null=True)  # time of the next try; null after the last one
    error = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        indexes = (models.Index(fields=("due_at",), condition=Q(due_at__isnull=False), name="notices_to_send"),)

    def __str__(self) -> str:
        return self.subject
