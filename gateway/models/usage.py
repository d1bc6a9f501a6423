"""Sums of usage: by hour as settlement writes them, by UTC day and month as the clock adds them up."""

from django.db import models

from billing.models import CreditAccount

__all__ = ["DIMENSIONS", "SUMS", "OwnKeyMonth", "UsageDay", "UsageHour", "UsageMonth", "UsageRollup"]

#: The columns that usage can be grouped and filtered by.
DIMENSIONS = ("key_id", "user_id", "model", "provider", "app", "source")
#: The columns that are added up.
SUMS = (
    "requests", "failures", "prompt_tokens", "completion_tokens", "reasoning_tokens", "cached_tokens", "cost",
    "byok_cost", "discount", "latency_ms", "duration_ms",
)  # fmt: skip


class _Usage(models.Model):
    """Sums of an account's requests by everything that the dashboard can group or filter by.

    Zero and the empty string mean "none", because a unique constraint treats NULLs as different.
    """

    account = models.ForeignKey(  # the index of the unique constraint begins with it
        CreditAccount, on_delete=models.PROTECT, related_name="%(class)ss", db_index=False
    )
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
    byok_cost = models.BigIntegerField(default=0, db_default=0)  # list prices on own provider keys
    discount = models.BigIntegerField(default=0, db_default=0)  # taken off the prices of logged requests
    latency_ms = models.PositiveBigIntegerField(default=0)  # sums; divide by requests - failures
    duration_ms = models.PositiveBigIntegerField(default=0)

    class Meta:
        abstract = True


class UsageHour(_Usage):
    """Sums of requests by hour.

    Written in the transaction that charges the account, so the dashboard and the balance always agree.
    """

    # No constraint: each new partition would have to lock the accounts. Settlement has locked the account's row.
    account = models.ForeignKey(
        CreditAccount, on_delete=models.PROTECT, related_name="usagehours", db_index=False, db_constraint=False
    )
    hour = models.DateTimeField()  # start of the UTC hour in which the request was made

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("account", "hour", "key_id", "user_id", "model", "provider", "app", "source"),
                name="usage_hour_once",
            ),
        )

    def __str__(self) -> str:
        return f"{self.hour:%Y-%m-%d %H}h {self.model}: {self.requests}"


class _RolledUsage(_Usage):
    """Sums of hours that are over, divided as finely as `kept` says.

    The rows of one day or month that keep every dimension add up to its hours. If they are many, more rows repeat the
    same sums by one dimension each, with "none" in the other columns: a view that needs one dimension reads as many
    rows as that dimension has values.
    """

    class Kept(models.TextChoices):
        ONLY = "only", "All dimensions; the day or month has no other rows"
        ALL = "all", "All dimensions"
        KEY = "key_id", "API key"
        USER = "user_id", "Member"
        MODEL = "model", "Model"
        PROVIDER = "provider", "Provider"
        APP = "app", "App"
        SOURCE = "source", "Source"

    kept = models.CharField(max_length=8, choices=Kept.choices)
    model = models.CharField(max_length=200, blank=True)
    source = models.CharField(max_length=4, blank=True)

    class Meta:
        abstract = True


class UsageDay(_RolledUsage):
    """Sums of a UTC day's hours."""

    day = models.DateTimeField()  # its start

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("account", "kept", "day", "key_id", "user_id", "model", "provider", "app", "source"),
                name="usage_day_once",
            ),
        )

    def __str__(self) -> str:
        return f"{self.day:%Y-%m-%d} {self.model} ({self.kept}): {self.requests}"


class UsageMonth(_RolledUsage):
    """Sums of a UTC month's days."""

    month = models.DateTimeField()  # its start

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("account", "kept", "month", "key_id", "user_id", "model", "provider", "app", "source"),
                name="usage_month_once",
            ),
        )

    def __str__(self) -> str:
        return f"{self.month:%Y-%m} {self.model} ({self.kept}): {self.requests}"


class UsageRollup(models.Model):
    """How far an account's hours are added up: every UTC day before `until`, and every UTC month that ended by then.

    An account without a row has no such sums yet. A request that settles in a day before `until` moves it back to the
    start of that day, in the transaction that charges it: UsageDay and UsageMonth are wrong from there on until they
    are written again. So at any moment the days before `until` and the hours since then are all of the account's usage.
    """

    account = models.OneToOneField(
        CreditAccount, primary_key=True, on_delete=models.CASCADE, related_name="usage_rollup"
    )
    until = models.DateTimeField()

    def __str__(self) -> str:
        return f"account {self.account_id}: until {self.until:%Y-%m-%d}"


class OwnKeyMonth(models.Model):
    """An account's requests on own provider keys in one UTC month, and how much of them the free share covered.

    Written by settlement, which has locked the account. Failed requests do not count.
    """

    account = models.ForeignKey(CreditAccount, on_delete=models.PROTECT, related_name="own_key_months", db_index=False)
    month = models.CharField(max_length=7)  # "2026-11"
    requests = models.PositiveBigIntegerField(default=0)
    listed = models.BigIntegerField(default=0)  # their list prices, pico-USD
    free_requests = models.PositiveBigIntegerField(default=0)  # those without a fee
    free_listed = models.BigIntegerField(default=0)  # the part of the list prices without a fee

    class Meta:
        constraints = (models.UniqueConstraint(fields=("account", "month"), name="own_key_month_once"),)

    def __str__(self) -> str:
        return f"account {self.account_id} in {self.month}: {self.requests}"
