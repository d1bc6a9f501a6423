"""Guardrails and their assignments to keys and members."""

import uuid
from datetime import datetime

from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.models import LimitReset, Organisation, User
from common.clock import utc_now
from common.limits import spend_limits
from keys.models import ApiKey


class GuardrailQuerySet(models.QuerySet["Guardrail"]):
    def of(self, organisation: Organisation) -> "GuardrailQuerySet":
        """Return the organization's guardrails."""
        return self.filter(organisation=organisation)


class Guardrail(models.Model):
    """A budget and restrictions under a name. They apply to what it is assigned to, and to nothing else.

    A list that is null restricts nothing. A switch that is null, or that allows something, changes nothing either: a
    guardrail is never looser than the organization's privacy settings.
    """

    public_id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="guardrails")
    name = models.CharField(max_length=200)
    description = models.CharField(max_length=1000, blank=True)

    # The most (pico-USD) that each assigned key and each assigned member may spend in a window, or in all; null: no
    # budget.
    limit = models.BigIntegerField(null=True, blank=True)
    limit_reset = models.CharField(max_length=10, choices=LimitReset.choices, blank=True)
    include_byok = models.BooleanField(default=False)

    # IDs of models or "author/*", and slugs of providers or tags of endpoints.
    allowed_models = models.JSONField(null=True, blank=True)
    ignored_models = models.JSONField(null=True, blank=True)
    allowed_providers = models.JSONField(null=True, blank=True)
    ignored_providers = models.JSONField(null=True, blank=True)

    # Zero data retention for models of these authors, and of all others. `enforce_zdr` is what a request for all of
    # them at once has said.
    enforce_zdr = models.BooleanField(null=True, blank=True)
    enforce_zdr_anthropic = models.BooleanField(null=True, blank=True)
    enforce_zdr_openai = models.BooleanField(null=True, blank=True)
    enforce_zdr_google = models.BooleanField(null=True, blank=True)
    enforce_zdr_xai = models.BooleanField(null=True, blank=True)
    enforce_zdr_other = models.BooleanField(null=True, blank=True)
    enable_paid_model_training = models.BooleanField(null=True, blank=True)
    enable_free_model_training = models.BooleanField(null=True, blank=True)
    enable_free_model_publication = models.BooleanField(null=True, blank=True)

    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(null=True, blank=True)

    objects = GuardrailQuerySet.as_manager()

    class Meta:
        indexes = (
            models.Index(
                fields=("organisation",), condition=models.Q(limit__isnull=False), name="guardrails_with_budget"
            ),
        )

    def __str__(self) -> str:
        return self.name


class AssignmentQuerySet(models.QuerySet["Assignment"]):
    def of(self, organisation: Organisation) -> "AssignmentQuerySet":
        """Return the organization's assignments, without those of deleted keys, which do nothing."""
        return self.filter(organisation=organisation).filter(Q(key=None) | Q(key__deleted_at=None))


class Assignment(models.Model):
    """A guardrail assigned to a key, or to a member: then it applies to the chat and to all keys they created.

    A key has one guardrail at most, and so has a member. The budget counts for each assignment on its own.
    """

    public_id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="+", db_index=False)
    guardrail = models.ForeignKey(Guardrail, on_delete=models.CASCADE, related_name="assignments")
    key = models.OneToOneField(ApiKey, null=True, on_delete=models.CASCADE, related_name="guardrail_assignment")
    user = models.ForeignKey(User, null=True, on_delete=models.CASCADE, related_name="+")
    assigned_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    # Written by the settlement of requests while there is a budget (pico-USD).
    window_usage = models.BigIntegerField(default=0)
    window_started_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = AssignmentQuerySet.as_manager()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("organisation", "user"), name="one_guardrail_per_member"),
            models.CheckConstraint(
                condition=Q(key__isnull=True, user__isnull=False) | Q(key__isnull=False, user__isnull=True),
                name="assigned_to_key_or_member",
            ),
        )

    def __str__(self) -> str:
        return f"guardrail {self.guardrail_id} of {f'key {self.key_id}' if self.key_id else f'user {self.user_id}'}"

    @property
    def limit(self) -> int | None:
        """The guardrail's budget in pico-USD, for `common.limits.spend_limits`."""
        return self.guardrail.limit

    @property
    def limit_reset(self) -> str:
        """When the count starts again."""
        return self.guardrail.limit_reset

    @property
    def usage(self) -> int:
        """The usage that counts toward a budget that does not reset, pico-USD."""
        return self.window_usage

    @property
    def spent(self) -> int:
        """The usage that counts toward the budget now, pico-USD."""
        return spend_limits.counted(self, utc_now())

    @property
    def used_percent(self) -> int:
        """The used share of the budget, 0 to 100."""
        return spend_limits.used_percent(self, utc_now())

    @property
    def resets_at(self) -> datetime | None:
        """The start of the next window; None if the budget does not reset."""
        return spend_limits.resets_at(self.limit_reset, utc_now())
