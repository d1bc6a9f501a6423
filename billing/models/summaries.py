"""Summaries of an account's usage by email: the choices of its members."""

from django.db import models
from django.db.models import Q

from accounts.models import User

from .accounts import CreditAccount


class SpendSummary(models.Model):
    """A person's choice to get a weekly or monthly summary of one account. There is none until it is first made.

    `covered_until` is the first day (of the person's calendar) that no summary is about. The transaction that stores
    an email moves it from the start of a period to its end: a period is written once, by however many workers.
    """

    class Interval(models.TextChoices):
        WEEKLY = "weekly", "Weekly"
        MONTHLY = "monthly", "Monthly"

    account = models.ForeignKey(CreditAccount, on_delete=models.CASCADE, related_name="summaries", db_index=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="spend_summaries")
    interval = models.CharField(max_length=7, choices=Interval.choices)
    is_on = models.BooleanField(default=True)
    covered_until = models.DateField()

    class Meta:
        verbose_name_plural = "spend summaries"
        constraints = (models.UniqueConstraint(fields=("account", "user", "interval"), name="one_summary_of_a_kind"),)
        indexes = (
            models.Index(fields=("interval", "covered_until"), condition=Q(is_on=True), name="summaries_to_write"),
        )

    def __str__(self) -> str:
        return f"{self.get_interval_display()} summary of account {self.account_id} for user {self.user_id}"
