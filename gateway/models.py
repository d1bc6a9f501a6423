"""What remains of a request: metadata and money, never a prompt or an answer."""

from django.db import models
from django.db.models import Q

from accounts.models import User
from billing.models import CreditAccount
from keys.models import ApiKey


class Generation(models.Model):
    """One inference request, from hold to bill.

    The row exists, state OPEN, before the first byte goes to a provider; settlement completes it. An
    open row whose process died is released by the reaper.
    """

    class State(models.TextChoices):
        OPEN = "open", "Open"
        SETTLED = "settled", "Settled"
        RELEASED = "released", "Released"  # the process died; nothing was charged

    class Source(models.TextChoices):
        API = "api", "API"
        CHAT = "chat", "Chatroom"

    class TokenSource(models.TextChoices):
        PROVIDER = "provider", "Counted by the provider"
        ESTIMATE = "estimate", "Estimated: the provider reported none"
        LENGTH = "length", "Estimated from lengths: the provider reported none"
        NONE = "none", "Nothing was produced"

    id = models.CharField(max_length=40, primary_key=True)
    # Every index is paid for by every request: `generations_of_account` serves the account as well, and admission
    # reads the key under a lock, so that the database need not look for it again.
    account = models.ForeignKey(CreditAccount, on_delete=models.PROTECT, related_name="generations", db_index=False)
    key = models.ForeignKey(
        ApiKey, null=True, on_delete=models.SET_NULL, related_name="generations", db_constraint=False
    )
    user = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+", db_constraint=False)
    source = models.CharField(max_length=4, choices=Source.choices)
    state = models.CharField(max_length=8, choices=State.choices, default=State.OPEN)

    requested_model = models.CharField(max_length=200)
    model = models.CharField(max_length=200, blank=True)  # the one that answered
    provider = models.CharField(max_length=100, blank=True)  # slug
    endpoint = models.CharField(max_length=120, blank=True)  # tag
    simulated = models.BooleanField(default=False)
    upstream_id = models.CharField(max_length=200, blank=True)
    streamed = models.BooleanField(default=False)
    cancelled = models.BooleanField(default=False)
    finish_reason = models.CharField(max_length=20, blank=True)
    native_finish_reason = models.CharField(max_length=100, blank=True)
    error_status = models.PositiveSmallIntegerField(null=True)  # HTTP status of the failure, if it failed
    attempts = models.JSONField(default=list)  # [{"endpoint", "status", "latency_ms", "reason"}]

    # Native token counts, as the provider bills them.
    prompt_tokens = models.PositiveIntegerField(default=0)
    completion_tokens = models.PositiveIntegerField(default=0)
    reasoning_tokens = models.PositiveIntegerField(default=0)  # part of completion_tokens
    cached_tokens = models.PositiveIntegerField(default=0)  # part of prompt_tokens
    cache_write_tokens = models.PositiveIntegerField(default=0)  # part of prompt_tokens
    cache_write_1h_tokens = models.PositiveIntegerField(default=0)  # part of cache_write_tokens
    token_source = models.CharField(max_length=8, choices=TokenSource.choices, default=TokenSource.NONE)

    # pico-USD
    hold = models.BigIntegerField(default=0)
    cost = models.BigIntegerField(default=0)  # charged to the account
    write_off = models.BigIntegerField(default=0)  # what the balance could not cover
    price = models.JSONField(default=dict)  # the price row used, decimal strings in USD
    discount_basis_points = models.PositiveSmallIntegerField(default=0)  # 100: one per cent off
    images = models.PositiveSmallIntegerField(default=0)  # input images that were priced
    web_search_engine = models.CharField(max_length=20, blank=True)  # who searched the web for it, if somebody did
    web_search_results = models.PositiveSmallIntegerField(default=0)

    process_id = models.CharField(max_length=60, blank=True)  # who is working on it, see GatewayProcess
    created_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True)
    latency_ms = models.PositiveIntegerField(null=True)  # to the first token
    duration_ms = models.PositiveIntegerField(null=True)  # to the last

    app = models.CharField(max_length=200, blank=True)  # HTTP-Referer, without query
    app_title = models.CharField(max_length=100, blank=True)
    user_agent = models.CharField(max_length=200, blank=True)
    external_user = models.CharField(max_length=128, blank=True)
    session_id = models.CharField(max_length=256, blank=True)

    class Meta:
        indexes = (
            models.Index(fields=("account", "-created_at", "-id"), name="generations_of_account"),
            models.Index(fields=("created_at",), condition=Q(state="open"), name="open_generations"),
        )
        constraints = (
            models.CheckConstraint(condition=Q(cost__gte=0) & Q(hold__gte=0) & Q(write_off__gte=0), name="no_minus"),
        )

    def __str__(self) -> str:
        return self.id


class GatewayProcess(models.Model):
    """A process that serves requests, and when it was last alive."""

    id = models.CharField(max_length=60, primary_key=True)
    seen_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.id


class EndpointMinute(models.Model):
    """What one process saw of one endpoint in one minute. Histograms map a bucket (see `health.py`) to a count."""

    process_id = models.CharField(max_length=60)
    model = models.CharField(max_length=200)
    tag = models.CharField(max_length=120)
    minute = models.DateTimeField()
    ok = models.PositiveIntegerField(default=0)
    errors = models.PositiveIntegerField(default=0)
    rate_limited = models.PositiveIntegerField(default=0)
    latency = models.JSONField(default=dict)  # milliseconds to the first token
    speed = models.JSONField(default=dict)  # tokens per second

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("process_id", "model", "tag", "minute"), name="endpoint_minute_once"),
        )
        indexes = (
            models.Index(fields=("minute",), name="endpoint_minutes"),
            models.Index(fields=("model", "minute"), name="endpoint_minutes_of_model"),
        )

    def __str__(self) -> str:
        return f"{self.model} at {self.tag}, {self.minute:%H:%M}"


class UsageHour(models.Model):
    """Requests added up by hour and everything the dashboard can group or filter by.

    Written in the transaction that charges the account, so the dashboard and the balance always agree. Zero and
    the empty string stand for "none": a unique constraint treats NULLs as different.
    """

    account = models.ForeignKey(  # `usage_hour_once` begins with it
        CreditAccount, on_delete=models.PROTECT, related_name="usage_hours", db_index=False
    )
    hour = models.DateTimeField()  # start of the UTC hour in which the request was made
    key_id = models.BigIntegerField(default=0)
    user_id = models.BigIntegerField(default=0)
    model = models.CharField(max_length=200)
    provider = models.CharField(max_length=100, blank=True)
    app = models.CharField(max_length=200, blank=True)
    source = models.CharField(max_length=4)

    requests = models.PositiveIntegerField(default=0)
    failures = models.PositiveIntegerField(default=0)
    prompt_tokens = models.PositiveBigIntegerField(default=0)
    completion_tokens = models.PositiveBigIntegerField(default=0)
    reasoning_tokens = models.PositiveBigIntegerField(default=0)
    cached_tokens = models.PositiveBigIntegerField(default=0)
    cost = models.BigIntegerField(default=0)  # pico-USD
    latency_ms = models.PositiveBigIntegerField(default=0)  # sums; divide by requests - failures
    duration_ms = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("account", "hour", "key_id", "user_id", "model", "provider", "app", "source"),
                name="usage_hour_once",
            ),
        )

    def __str__(self) -> str:
        return f"{self.hour:%Y-%m-%d %H}h {self.model}: {self.requests}"
