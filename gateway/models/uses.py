"""The uses of requests: their names, and the tokens of classified requests."""

from django.db import models

from billing.models import CreditAccount

__all__ = ["USES", "ClassifiedDay"]

#: What models are used for, with labels. A use after a slash is a part of the one before it.
USES = {
    "programming": "Programming",
    "roleplay": "Roleplay",
    "marketing": "Marketing",
    "marketing/seo": "SEO",
    "technology": "Technology",
    "science": "Science",
    "translation": "Translation",
    "legal": "Legal",
    "finance": "Finance",
    "health": "Health",
    "trivia": "Trivia",
    "academia": "Academia",
}


class ClassifiedDay(models.Model):
    """Sums of an account's classified requests by the UTC day in which they were made, app, model and use.

    Written in the transaction that charges the account. They are a part of the account's hours: requests without a use,
    and those that failed, are not in them.
    """

    account = models.ForeignKey(  # the index of the unique constraint begins with it
        CreditAccount, on_delete=models.PROTECT, related_name="classified_days", db_index=False
    )
    day = models.DateField()
    app = models.CharField(max_length=200, blank=True)  # as in UsageHour
    model = models.CharField(max_length=200)
    use = models.CharField(max_length=20, choices=list(USES.items()))
    requests = models.PositiveBigIntegerField(default=0)
    prompt_tokens = models.PositiveBigIntegerField(default=0)
    completion_tokens = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("account", "day", "app", "model", "use"), name="classified_day_once"),
        )

    def __str__(self) -> str:
        return f"{self.day} {self.use}: {self.requests}"
