"""Prompts and responses that their account has agreed to store."""

from django.db import models

from billing.models import CreditAccount

from .requests import Generation

__all__ = ["StoredContent"]


class StoredContent(models.Model):
    """The prompt and the response of a request of an account that has turned on logging, encrypted."""

    # No constraint, as with Feedback.
    generation = models.OneToOneField(
        Generation, primary_key=True, on_delete=models.CASCADE, related_name="content", db_constraint=False
    )
    account = models.ForeignKey(
        CreditAccount, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    created_at = models.DateTimeField()  # of the request
    sealed = models.BinaryField()

    class Meta:
        indexes = (
            models.Index(fields=("account", "created_at", "generation"), name="contents_of_account"),
            models.Index(fields=("created_at",), name="contents_by_age"),
        )

    def __str__(self) -> str:
        return f"content of {self.generation_id}"
