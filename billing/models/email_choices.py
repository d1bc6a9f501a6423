"""Emails that people turn on and off: their choices, and what they were told last."""

from django.db import models
from django.db.models import Q

from accounts.models import User

from .accounts import CreditAccount


class EmailChoice(models.Model):
    """Whether a person gets one kind of email about one account.

    There is none until it is first made, or until the first email of a kind that is on by default: the row is what the
    email's link to unsubscribe names. The choice about sign-ins is that of the person's own account.

    `covered_until` is for summaries: the first day (of the person's calendar) that none is about. The transaction that
    stores an email moves it from the start of a period to its end: a period is written once, by however many workers.
    """

    class Kind(models.TextChoices):
        LOW_BALANCE = "low_balance", "Low-balance alerts"
        AUTO_TOP_UP = "auto_top_up", "Auto top-up results"
        KEY_LIMIT = "key_limit", "API key limit alerts"
        BUDGET = "budget", "Budget alerts"
        MODEL_DEPRECATION = "model_deprecation", "Model deprecations"
        NEW_SIGN_IN = "new_sign_in", "New sign-in emails"
        WEEKLY = "weekly", "Weekly summary"
        MONTHLY = "monthly", "Monthly summary"

    account = models.ForeignKey(CreditAccount, on_delete=models.CASCADE, related_name="email_choices", db_index=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="email_choices")
    kind = models.CharField(max_length=20, choices=Kind.choices)
    is_on = models.BooleanField(default=True)
    covered_until = models.DateField(null=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("account", "user", "kind"), name="one_choice_of_a_kind"),)
        indexes = (models.Index(fields=("kind", "covered_until"), condition=Q(is_on=True), name="summaries_to_write"),)

    def __str__(self) -> str:
        return f"{self.get_kind_display()} of account {self.account_id} for user {self.user_id}"

    @property
    def sentence_name(self) -> str:
        """The kind's name inside a sentence: "weekly summary", "API key limit alerts"."""
        name = self.get_kind_display()
        return name if name.startswith("API") else name[0].lower() + name[1:]


class SentAlert(models.Model):
    """The last alert about one subject of an account, such as an API key: `step` of `round`.

    A round is what the steps count in: one window of one limit, or one date. In a round, steps only rise. The
    transaction that stores the emails moves the row, so each step is told once, by however many workers.
    """

    account = models.ForeignKey(CreditAccount, on_delete=models.CASCADE, related_name="sent_alerts", db_index=False)
    subject = models.CharField(max_length=220)  # "key:12", "model:openai/gpt-4o"
    round = models.CharField(max_length=80)
    step = models.PositiveSmallIntegerField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("account", "subject"), name="one_alert_of_a_subject"),)

    def __str__(self) -> str:
        return f"{self.subject} of account {self.account_id}: step {self.step}"
