"""API keys, and the keys of providers that customers bring."""

import uuid

from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts import access
from accounts.models import LimitReset, Organisation, User
from common.money import PicoUsd


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    def of(self, organisation: Organisation) -> "ApiKeyQuerySet":
        """Return the organization's keys that are not deleted."""
        return self.filter(organisation=organisation, deleted_at=None)

    def visible_to(self, user: User, organisation: Organisation) -> "ApiKeyQuerySet":
        """Return the keys that a member may see and edit: all of them for an admin, their own for others."""
        keys = self.of(organisation)
        return keys if access.is_admin(user, organisation) else keys.filter(created_by=user, is_management=False)

    def for_inference(self) -> "ApiKeyQuerySet":
        """Return the keys that run inference, without management keys."""
        return self.filter(is_management=False)

    def with_hash(self, key_hash: str) -> "ApiKeyQuerySet":
        """Return the key whose secret, or the one before its last rotation, has this hash."""
        return self.filter(models.Q(hash=key_hash) | models.Q(previous_hash=key_hash))


class ApiKey(models.Model):
    """A bearer key. Only its SHA-256 is stored; the key itself is shown once.

    `hash` is the lowercase hexadecimal SHA-256 of the whole key, which clients compute for links to `/keys/<hash>`.
    A deleted key keeps its row, because the usage history refers to it.
    """

    Reset = LimitReset

    organisation = models.ForeignKey(
        Organisation, on_delete=models.CASCADE, related_name="api_keys", verbose_name="organization"
    )
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    name = models.CharField(max_length=100)
    hash = models.CharField(max_length=64, unique=True)
    label = models.CharField(max_length=32)  # "sk-or-v1-0e6...1c96"
    is_management = models.BooleanField(default=False)  # manages keys; cannot run inference
    disabled = models.BooleanField(default=False)
    expires_at = models.DateTimeField(null=True, blank=True)
    # The address of the app that a person has connected with it ("https://example.com"); empty: no app.
    app = models.CharField(max_length=200, blank=True)
    external_user = models.CharField(max_length=255, blank=True)  # the customer's own ID of the person who uses it

    # Maximum spend (pico-USD) in each window, or in all; null: no limit.
    limit = models.BigIntegerField(null=True, blank=True)
    limit_reset = models.CharField(max_length=10, choices=Reset.choices, blank=True)
    include_byok_in_limit = models.BooleanField(default=False)

    # Where it may be used, what for, and how much. Empty or null: no restriction.
    allowed_ips = models.JSONField(default=list, blank=True)  # CIDR ranges
    allowed_models = models.JSONField(default=list, blank=True)  # model IDs, and "author/*"
    requests_per_minute = models.PositiveIntegerField(null=True, blank=True)
    tokens_per_minute = models.PositiveBigIntegerField(null=True, blank=True)
    max_concurrent_requests = models.PositiveIntegerField(null=True, blank=True)

    # The hash of the secret before the last rotation, which works until the grace period ends. It is kept afterwards,
    # so that links with it still lead here.
    previous_hash = models.CharField(max_length=64, null=True, blank=True, unique=True)
    previous_hash_expires_at = models.DateTimeField(null=True, blank=True)

    # Written only by the settlement of requests (pico-USD).
    usage = models.BigIntegerField(default=0)
    window_usage = models.BigIntegerField(default=0)  # spent since window_started_at
    # List prices of its requests on own provider keys, which the providers bill.
    byok_usage = models.BigIntegerField(default=0, db_default=0)
    window_byok_usage = models.BigIntegerField(default=0, db_default=0)  # since window_started_at
    window_started_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(null=True, blank=True)
    updated_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    deleted_at = models.DateTimeField(null=True, blank=True)

    objects = ApiKeyQuerySet.as_manager()

    class Meta:
        verbose_name = "API key"
        indexes = (
            models.Index(fields=("organisation", "-created_at"), name="key_list"),
            models.Index(
                fields=("id",), condition=models.Q(limit__isnull=False, deleted_at=None), name="keys_with_limit"
            ),
        )
        constraints = (
            models.CheckConstraint(condition=models.Q(usage__gte=0), name="key_usage_not_negative"),
            models.CheckConstraint(
                condition=models.Q(previous_hash=None, previous_hash_expires_at=None)
                | models.Q(previous_hash__isnull=False, previous_hash_expires_at__isnull=False)
                & ~models.Q(previous_hash=models.F("hash")),
                name="key_previous_hash_is_another",
            ),
        )

    def __str__(self) -> str:
        return f"{self.name} ({self.label})"

    @property
    def hashes(self) -> tuple[str, ...]:
        """The hashes of its secrets: the current one, and the one before the last rotation."""
        return (self.hash, self.previous_hash) if self.previous_hash else (self.hash,)

    @property
    def held(self) -> PicoUsd:
        """The credits on hold for its running requests, pico-USD."""
        return PicoUsd(self.holds.aggregate(held=models.Sum("amount", default=0))["held"])


class AuthorizationCode(models.Model):
    """A person's consent that an app gets an API key of theirs, to be exchanged once and soon (OAuth 2 with PKCE).

    Only the code's SHA-256 is stored. The settings are those of the future key.
    """

    class Method(models.TextChoices):
        S256 = "S256", "S256"
        PLAIN = "plain", "plain"

    hash = models.CharField(max_length=64, unique=True)
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="+")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    app = models.CharField(max_length=200, blank=True)
    challenge = models.CharField(max_length=128, blank=True)
    challenge_method = models.CharField(max_length=5, choices=Method.choices, default=Method.S256)
    name = models.CharField(max_length=100)
    limit = models.BigIntegerField(null=True, blank=True)  # pico-USD
    limit_reset = models.CharField(max_length=10, choices=ApiKey.Reset.choices, blank=True)
    key_expires_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    def __str__(self) -> str:
        return f"{self.name} for {self.user}"


class OwnProviderKeyQuerySet(models.QuerySet["OwnProviderKey"]):
    def of(self, organisation: Organisation) -> "OwnProviderKeyQuerySet":
        """Return the organization's keys that are not deleted, in the order in which each provider's are tried."""
        return self.filter(organisation=organisation, deleted_at=None).order_by("provider", "position", "pk")


class OwnProviderKey(models.Model):
    """A key of a provider that an organization brings: its requests use that account at the provider.

    Each is an endpoint of its own for the requests that it allows. A list that is null allows all, an empty one none.
    Deleting wipes the secret; the row stays, because the usage history refers to it.
    """

    public_id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="provider_keys")
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    provider = models.CharField(max_length=100)  # slug
    name = models.CharField(max_length=255, blank=True)
    secret = models.TextField(blank=True, editable=False)  # encrypted by common.encryption
    secret_version = models.PositiveIntegerField(default=1)  # how many secrets it has had
    label = models.CharField(max_length=32)  # "...1c96"
    position = models.PositiveIntegerField(default=0)  # among the provider's keys
    is_fallback = models.BooleanField(default=False)  # tried after shared capacity, not before
    always_use = models.BooleanField(default=False)  # its provider's shared capacity is never used
    disabled = models.BooleanField(default=False)
    allowed_models = models.JSONField(null=True, blank=True)  # IDs
    allowed_key_hashes = models.JSONField(null=True, blank=True)  # of API keys
    allowed_user_ids = models.JSONField(null=True, blank=True)  # public IDs of members
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(null=True, blank=True)
    deleted_at = models.DateTimeField(null=True, blank=True)

    objects = OwnProviderKeyQuerySet.as_manager()

    class Meta:
        constraints = (
            models.CheckConstraint(condition=Q(deleted_at=None) | Q(secret=""), name="deleted_key_has_no_secret"),
            models.CheckConstraint(
                condition=Q(is_fallback=False) | Q(always_use=False), name="always_used_key_is_no_fallback"
            ),
        )

    def __str__(self) -> str:
        return f"{self.provider} {self.label}"

    @property
    def is_restricted(self) -> bool:
        """Whether only some models, API keys or members use it."""
        return any(each is not None for each in (self.allowed_models, self.allowed_key_hashes, self.allowed_user_ids))
