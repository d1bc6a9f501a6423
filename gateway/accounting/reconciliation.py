"""Checks that accounts, keys, generations, holds and hourly sums agree."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from django.db.models import BigIntegerField, F, OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from billing.credits.reconciliation import Fault, check
from billing.models import CreditAccount
from common.money import PicoUsd, format_exact_usd
from gateway.models import DroppedRequests, Generation, Hold, OwnKeyMonth, ProviderSpend, UsageHour
from keys.models import ApiKey


@check
def check_account_sums() -> Iterator[Fault]:
    """An account's `usage` is the cost of its generations and of its hours; `held` is the sum of its holds.

    Generations are those that are there and those that were dropped for their age.
    """
    generations = Generation.objects.filter(account=OuterRef("pk"))
    dropped = DroppedRequests.objects.filter(account=OuterRef("pk"))
    accounts = CreditAccount.objects.annotate(
        of_generations=_sum(generations, "account", "cost") + _sum(dropped, "account", "cost"),
        of_hours=_sum(UsageHour.objects.filter(account=OuterRef("pk")), "account", "cost"),
        of_holds=_sum(Hold.objects.filter(account=OuterRef("pk")), "account", "amount"),
    )
    for account in accounts.exclude(usage=F("of_generations"), of_hours=F("usage"), held=F("of_holds")):
        for column, expected, source in (
            ("usage", account.of_generations, "its generations"),
            ("usage", account.of_hours, "its hours"),
            ("held", account.of_holds, "its holds"),
        ):
            if (actual := getattr(account, column)) != expected:
                yield Fault(
                    f"account {account.pk}", f"{column} is {_usd(actual)} but {source} add up to {_usd(expected)}"
                )


@check
def check_key_usage() -> Iterator[Fault]:
    """A key's `usage` is the cost of its generations, and `byok_usage` their cost on own provider keys."""
    for column, summed in (("usage", "cost"), ("byok_usage", "byok_cost")):
        there = _sum(Generation.objects.filter(key=OuterRef("pk")), "key", summed)
        dropped = _sum(DroppedRequests.objects.filter(key_id=OuterRef("pk")), "key_id", summed)
        keys = ApiKey.objects.annotate(of_generations=there + dropped).exclude(**{column: F("of_generations")})
        for key, usage, cost in keys.values_list("pk", column, "of_generations"):
            yield Fault(f"key {key}", f"{column} is {_usd(usage)} but its generations add up to {_usd(cost)}")


@check
def check_own_key_sums() -> Iterator[Fault]:
    """List prices on own provider keys are the same in an account's generations, hours and months."""
    accounts = CreditAccount.objects.annotate(
        of_generations=_sum(Generation.objects.filter(account=OuterRef("pk")), "account", "byok_cost")
        + _sum(DroppedRequests.objects.filter(account=OuterRef("pk")), "account", "byok_cost"),
        of_hours=_sum(UsageHour.objects.filter(account=OuterRef("pk")), "account", "byok_cost"),
        of_months=_sum(OwnKeyMonth.objects.filter(account=OuterRef("pk")), "account", "listed"),
    )
    for account in accounts.exclude(of_generations=F("of_hours"), of_months=F("of_hours")):
        yield Fault(
            f"account {account.pk}",
            f"on own provider keys, generations add up to {_usd(account.of_generations)}, hours to "
            f"{_usd(account.of_hours)} and months to {_usd(account.of_months)}",
        )


@check
def check_discounts() -> Iterator[Fault]:
    """The discount on logged requests is the same in an account's generations and hours."""
    accounts = CreditAccount.objects.annotate(
        of_generations=_sum(Generation.objects.filter(account=OuterRef("pk")), "account", "discount")
        + _sum(DroppedRequests.objects.filter(account=OuterRef("pk")), "account", "discount"),
        of_hours=_sum(UsageHour.objects.filter(account=OuterRef("pk")), "account", "discount"),
    )
    for account in accounts.exclude(of_generations=F("of_hours")):
        yield Fault(
            f"account {account.pk}",
            f"discounts of its generations add up to {_usd(account.of_generations)}, of its hours to "
            f"{_usd(account.of_hours)}",
        )


@check
def check_provider_spend() -> Iterator[Fault]:
    """The spend counted for a provider's key is the cost of the generations that used it."""
    counted = dict(
        ProviderSpend.objects.exclude(provider_key_id=0).values_list("provider_key_id").annotate(Sum("cost"))
    )
    costs: Counter[int] = Counter()
    for table in (Generation, DroppedRequests):
        used = table.objects.filter(simulated=False).exclude(provider_key_id=0)
        costs.update(dict(used.order_by().values_list("provider_key_id").annotate(Sum("cost"))))
    for key in sorted(counted.keys() | costs.keys()):
        if (spend := counted.get(key, 0)) != (cost := costs.get(key, 0)):
            yield Fault(f"provider key {key}", f"spend is {_usd(spend)} but its generations add up to {_usd(cost)}")


def _sum(rows: QuerySet[Any], owner: str, column: str) -> Coalesce:
    sums = rows.order_by().values(owner).annotate(sum=Sum(column)).values("sum")
    return Coalesce(Subquery(sums, output_field=BigIntegerField()), 0)


def _usd(amount: int) -> str:
    return format_exact_usd(PicoUsd(amount))
