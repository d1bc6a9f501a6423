"""Opinions of customers on their requests."""

from django.db import models
from django.db.models import Q

from common.clock import utc_now

from .requests import Generation

__all__ = ["Feedback"]


class Feedback(models.Model):
    """A customer's opinion of one request, for the operators to read.

    The comment is the only text of a customer that the gateway stores readably: they write it on purpose, for this.
    """

    class Rating(models.TextChoices):
        GOOD = "good", "Good"
        BAD = "bad", "Bad"

    class Category(models.TextChoices):
        LATENCY = "latency", "Latency"
        INCOHERENCE = "incoherence", "Incoherence"
        INCORRECT_RESPONSE = "incorrect_response", "Incorrect response"
        FORMATTING = "formatting", "Formatting"
        BILLING = "billing", "Billing"
        API_ERROR = "api_error", "API error"
        OTHER = "other", "Other"

    COMMENT_LENGTH = 1000  # characters

    # No constraint: on PostgreSQL the partitions of generations are unique by ID and time together.
    generation = models.OneToOneField(
        Generation, primary_key=True, on_delete=models.CASCADE, related_name="feedback", db_constraint=False
    )
    rating = models.CharField(max_length=4, choices=Rating.choices, default=Rating.BAD, db_default=Rating.BAD)
    category = models.CharField(max_length=20, choices=Category.choices, blank=True)  # what is bad
    comment = models.CharField(max_length=COMMENT_LENGTH, blank=True)
    sent_at = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name_plural = "feedback"
        constraints = (
            models.CheckConstraint(condition=Q(rating="bad") | Q(category=""), name="only_bad_has_category"),
        )

    def __str__(self) -> str:
        return f"{self.generation_id}: {self.get_category_display() or self.get_rating_display()}"

    @classmethod
    def give(cls, generation: Generation, rating: str, category: str, comment: str) -> None:
        """Store an opinion of a request, in place of an earlier one."""
        values = {"rating": rating, "category": category, "comment": comment, "sent_at": utc_now()}
        cls.objects.update_or_create(generation=generation, defaults=values)
