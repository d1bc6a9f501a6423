"""The stored part of a request: metadata and money, never a prompt or a completion."""

from typing import Any

from django.db import models
from django.db.models import Q

from accounts.models import User
from billing.models import CreditAccount
from keys.models import ApiKey

from .uses import USES

__all__ = ["DroppedRequests", "GatewayProcess", "Generation", "Hold", "ProviderSpend"]


class _Request(models.Model):
    """The columns of a request that are known before it is served."""

    class Source(models.TextChoices):
        API = "api", "API"
        CHAT = "chat", "Chat"

    id = models.CharField(max_length=40, primary_key=True)
    # Every index and constraint costs every request. Admission and settlement read account and key under a lock, so
    # the database need not check them again.
    account = models.ForeignKey(
        CreditAccount, on_delete=models.PROTECT, related_name="%(class)ss", db_index=False, db_constraint=False
    )
    key = models.ForeignKey(
        ApiKey, null=True, on_delete=models.SET_NULL, related_name="%(class)ss", db_index=False, db_constraint=False
    )
    user = models.ForeignKey(
        User, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False, db_constraint=False
    )
    source = models.CharField(max_length=4, choices=Source.choices)
    requested_model = models.CharField(max_length=200)
    streamed = models.BooleanField(default=False)
    created_at = models.DateTimeField()

    app = models.CharField(max_length=200, blank=True)  # HTTP-Referer, without query
    app_title = models.CharField(max_length=100, blank=True)
    user_agent = models.CharField(max_length=200, blank=True)
    external_user = models.CharField(max_length=128, blank=True)
    session_id = models.CharField(max_length=256, blank=True)
    preset_version_id = models.BigIntegerField(default=0)  # the PresetVersion that is part of the request; 0: none

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.id


class Hold(_Request):
    """A running request, and the credits that are held for it.

    The row exists before the first byte goes to a provider. Settlement replaces it with a Generation, or the reaper
    does when its process has died.
    """

    amount = models.BigIntegerField()  # pico-USD
    process_id = models.CharField(max_length=60)  # the GatewayProcess that serves it
    # What it has reserved of the month's free share of own provider keys: requests, or pico-USD of list price. Null: no
    # own key may serve it.
    byok_share = models.BigIntegerField(null=True)
    # What it may count in addition to `amount`, in pico-USD, toward limits that include list prices on own keys.
    byok_listed = models.BigIntegerField(default=0, db_default=0)

    class Meta:
        indexes = (models.Index(fields=("account", "key"), name="holds_of_account"),)
        constraints = (models.CheckConstraint(condition=Q(amount__gte=0), name="hold_not_negative"),)

    def generation(self, state: str) -> "Generation":
        """An unsaved Generation with everything that is known of the request so far."""
        known = {field.attname: getattr(self, field.attname) for field in _Request._meta.fields}
        return Generation(**known, hold=self.amount, state=state)


class Generation(_Request):
    """One inference request that has ended, with its tokens and cost."""

    class State(models.TextChoices):
        OPEN = "open", "Open"  # never stored: a running request is a Hold
        SETTLED = "settled", "Settled"
        RELEASED = "released", "Released"  # the process died; nothing was charged

    class ApiType(models.TextChoices):
        COMPLETIONS = "completions", "Chat and text completions"
        EMBEDDINGS = "embeddings", "Embeddings"
        RERANK = "rerank", "Rerank"

    class TokenSource(models.TextChoices):
        PROVIDER = "provider", "Counted by the provider"
        ESTIMATE = "estimate", "Estimated (not reported by the provider)"
        LENGTH = "length", "Estimated from text length (not reported by the provider)"
        NONE = "none", "No tokens"

    state = models.CharField(max_length=8, choices=State.choices)

    model = models.CharField(max_length=200, blank=True)  # the one that responded
    provider = models.CharField(max_length=100, blank=True)  # slug
    endpoint = models.CharField(max_length=120, blank=True)  # tag
    reason = models.CharField(max_length=30, blank=True)  # why that endpoint was tried
    simulated = models.BooleanField(default=False)
    provider_key_id = models.BigIntegerField(default=0)  # the ProviderKey used; 0: the one of the environment, or none
    # The customer's OwnProviderKey used; 0: none.
    byok_key_id = models.BigIntegerField(default=0, db_default=0)
    upstream_id = models.CharField(max_length=200, blank=True)
    cancelled = models.BooleanField(default=False)
    finish_reason = models.CharField(max_length=20, blank=True)
    native_finish_reason = models.CharField(max_length=100, blank=True)
    error_status = models.PositiveSmallIntegerField(null=True)  # HTTP status of the failure, if it failed
    # [{"endpoint", "provider", "model", "status", "latency_ms", "reason"}], as in `attempts`
    failed_attempts = models.JSONField(default=list)

    # Native token counts, as the provider bills them.
    prompt_tokens = models.PositiveIntegerField(default=0)
    completion_tokens = models.PositiveIntegerField(default=0)
    reasoning_tokens = models.PositiveIntegerField(default=0)  # part of completion_tokens
    cached_tokens = models.PositiveIntegerField(default=0)  # part of prompt_tokens
    cache_write_tokens = models.PositiveIntegerField(default=0)  # part of prompt_tokens
    cache_write_1h_tokens = models.PositiveIntegerField(default=0)  # part of cache_write_tokens
    audio_tokens = models.PositiveIntegerField(default=0, db_default=0)  # part of prompt_tokens
    token_source = models.CharField(max_length=8, choices=TokenSource.choices, default=TokenSource.NONE)

    # pico-USD
    hold = models.BigIntegerField(default=0)  # held while it ran
    cost = models.BigIntegerField(default=0)  # charged to the account
    write_off = models.BigIntegerField(default=0)  # the part that the balance did not cover
    byok_cost = models.BigIntegerField(default=0, db_default=0)  # list price, which the provider bills the customer
    discount = models.BigIntegerField(default=0, db_default=0)  # taken off the price, because the content is stored
    price = models.JSONField(default=dict)  # the price row used, decimal strings in USD
    discount_basis_points = models.PositiveSmallIntegerField(default=0)  # 100 is 1%
    images = models.PositiveSmallIntegerField(default=0)  # input images that were priced
    output_images = models.PositiveSmallIntegerField(default=0, db_default=0)  # images of the response
    output_image_tokens = models.PositiveIntegerField(default=0, db_default=0)  # part of completion_tokens
    api_type = models.CharField(max_length=12, choices=ApiType.choices, default=ApiType.COMPLETIONS)
    search_units = models.PositiveIntegerField(default=0)  # of a rerank request that is priced by them
    web_search_engine = models.CharField(max_length=20, blank=True)  # empty without a search
    web_search_results = models.PositiveSmallIntegerField(default=0)

    response_cache_source_id = models.CharField(max_length=40, blank=True)  # the request whose response was replayed
    # What it was for, if its account has its requests classified; empty: not classified, or not clear.
    use = models.CharField(max_length=20, choices=list(USES.items()), blank=True, default="", db_default="")

    settled_at = models.DateTimeField()  # or released
    latency_ms = models.PositiveIntegerField(null=True)  # to the first token
    duration_ms = models.PositiveIntegerField(null=True)  # to the last
    upstream_latency_ms = models.PositiveIntegerField(null=True)  # the endpoint's own, to the first token

    class Meta:
        indexes = (
            models.Index(fields=("account", "-created_at", "-id"), name="generations_of_account"),
            models.Index(fields=("key",), name="generations_of_key"),
            models.Index(
                fields=("account", "session_id", "-created_at"),
                condition=~Q(session_id=""),
                name="generations_of_session",
            ),
        )
        constraints = (
            models.CheckConstraint(
                condition=Q(cost__gte=0) & Q(hold__gte=0) & Q(write_off__gte=0), name="amounts_not_negative"
            ),
            models.CheckConstraint(condition=~Q(state="open"), name="generation_has_ended"),
        )

    @property
    def attempts(self) -> list[dict[str, Any]]:
        """The endpoints that were tried, in order; the last one responded, if one did.

        Each has "endpoint" (tag), "provider" (slug), "model", "status" (HTTP), "latency_ms" and "reason"; those on the
        customer's own key have "is_byok" as well.
        """
        if not self.endpoint:
            return list(self.failed_attempts)
        succeeded = {
            "endpoint": self.endpoint,
            "provider": self.provider,
            "model": self.model,
            "status": 200,
            "latency_ms": self.upstream_latency_ms,
            "reason": self.reason,
        }
        if self.byok_key_id:
            succeeded["is_byok"] = True
        return [*self.failed_attempts, succeeded]


class GatewayProcess(models.Model):
    """A process that serves requests, and the time of its last heartbeat."""

    id = models.CharField(max_length=60, primary_key=True)
    seen_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.id


class DroppedRequests(models.Model):
    """The sums of old requests that are no longer kept, so that accounts and keys still add up."""

    account = models.ForeignKey(
        CreditAccount, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    key_id = models.BigIntegerField()  # 0: no key
    provider_key_id = models.BigIntegerField()  # as in Generation
    simulated = models.BooleanField()
    until = models.DateTimeField()  # the requests were made before this moment
    requests = models.BigIntegerField()
    cost = models.BigIntegerField()  # pico-USD
    byok_cost = models.BigIntegerField(default=0, db_default=0)
    discount = models.BigIntegerField(default=0, db_default=0)

    class Meta:
        indexes = (
            models.Index(fields=("account",), name="dropped_of_account"),
            models.Index(fields=("key_id",), name="dropped_of_key"),
        )

    def __str__(self) -> str:
        return f"{self.requests} before {self.until:%Y-%m-%d}"


class ProviderSpend(models.Model):
    """Sums of the requests that one process has settled through one key of a provider.

    Written in the transaction that charges the account. A row for each process, so that no process waits for another;
    readers add them up. Simulated responses are left out.
    """

    provider = models.CharField(max_length=100)  # slug
    provider_key_id = models.BigIntegerField()  # the ProviderKey; 0: the key in the environment, or none
    process_id = models.CharField(max_length=60)
    requests = models.PositiveBigIntegerField(default=0)
    cost = models.BigIntegerField(default=0)  # charged to accounts, pico-USD

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("provider", "provider_key_id", "process_id"), name="provider_spend_once"),
        )

    def __str__(self) -> str:
        return f"{self.provider}, key {self.provider_key_id}: {self.requests} requests"
